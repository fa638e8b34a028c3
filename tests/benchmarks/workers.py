"""Workers of a benchmark: what a worker group without Ray needs to report to the portal."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from runners.harness.client import PortalAwayError, PortalClient, Reply
from runners.harness.leasing import Leasing
from runners.harness.protocol import Allocation, Lease
from tests.benchmarks.portal_alone import PortalAlone


@dataclass
class Worker:
    """Holds the lease of one run."""

    client: PortalClient
    lease: Lease
    seq: int = 0

    def send(self, **content: object) -> Reply:
        """One batch, again while the portal is behind."""
        self.seq += 1
        keys = {"attempt": self.lease.attempt, "fence": self.lease.fence, "rank": 0, "seq": self.seq}
        while True:
            try:
                reply = self.client.post(f"/runs/{self.lease.run_id}/batches", {**keys, **content})
            except PortalAwayError as away:
                time.sleep(away.wait_s or 0.1)
                continue
            if not reply.ok:
                raise SystemExit(f"The portal did not take a batch: {reply.describe()}")
            return reply

    def end(self) -> None:
        """The run is complete."""
        self.send(end={"outcome": "completed", "cause": None})


def workers(portal: PortalAlone, count: int) -> list[Worker]:
    """So many, each with a run."""
    portal.launch(runs=count, slots=count)
    return [_worker(environment) for environment in portal.wait_for_jobs(count)]


def _worker(environment: dict[str, str]) -> Worker:
    allocation = Allocation.from_environment(environment)
    client = PortalClient(allocation.url, allocation.token)
    leasing = Leasing(client)
    while (order := leasing.next_order())["order"] == "wait":
        leasing.wait(order)
    lease = Lease.from_json(order["run"])
    pulse = PortalClient(allocation.url, allocation.token)
    threading.Thread(target=_beat, args=(pulse, lease), daemon=True).start()
    return Worker(client, lease)


def _beat(client: PortalClient, lease: Lease) -> None:
    """Keep the lease while it is somebody else's turn."""
    beat = {"run": lease.run_id, "attempt": lease.attempt, "fence": lease.fence}
    with suppress(PortalAwayError):
        while client.post("/heartbeats", beat).ok:
            time.sleep(3)
