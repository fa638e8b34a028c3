"""A rank of the harness that sends batches to the portal."""

from typing import Any

from experiments.models import Run
from experiments.services.ingest import Receipt, batch_ingest
from experiments.telemetry import parse_batch
from runners.models import Allocation


class Sender:
    """A rank of the harness."""

    def __init__(self, leased: tuple[Allocation, Run, dict[str, Any]], rank: int = 0) -> None:
        self.allocation, self.run, self.lease = leased
        self.rank = rank
        self.seq = 0

    def send(self, *, seq: int | None = None, **content: Any) -> Receipt:
        self.seq = seq or self.seq + 1
        keys = {
            "attempt": self.lease["attempt"],
            "fence": self.lease["fence"],
            "rank": self.rank,
            "seq": self.seq,
        }
        self.allocation.refresh_from_db()
        return batch_ingest(allocation=self.allocation, run_id=self.run.id, batch=parse_batch(keys | content))

    def end(self, outcome: str, **cause: str) -> Receipt:
        return self.send(end={"outcome": outcome, "cause": cause or None})


def points(*values: Any, name: str = "loss", start: int = 1) -> list[dict[str, Any]]:
    steps = list(range(start, start + len(values)))
    return [{"name": name, "steps": steps, "values": list(values), "times": [float(s) for s in steps]}]
