"""The whole product, started for one benchmark and used as its users do; what it wrote down is read with SQL."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from mlplatform.cli.client import PortalClient
from mlplatform.embedded import postgres
from mlplatform.embedded.home import Home
from tests.stack import EmbeddedStack

CODE = Path(__file__).parent / "bundle" / "short.py"
LIMIT_S = 420.0
# Per run, in order: the lease, the user's function (as reported by rank 0), the end.
TIMES = """
    SELECT extract(epoch FROM attempt.started_at)::float, entered.last, "left".last,
           extract(epoch FROM attempt.ended_at)::float, attempt.allocation_id
    FROM experiments_run run
    JOIN experiments_attempt attempt ON attempt.run_id = run.id
    JOIN experiments_runmetric entered ON entered.run_id = run.id AND entered.name = 'entered'
    JOIN experiments_runmetric "left" ON "left".run_id = run.id AND "left".name = 'left'
    WHERE run.experiment_id = %s ORDER BY attempt.started_at
"""


@dataclass(frozen=True)
class RunTimes:
    """Unix seconds of one run: leased, function entered and left, end taken."""

    leased: float
    entered: float
    left: float
    ended: float
    allocation: str


class Product:
    """An embedded stack and a user of its REST API."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack
        self._client = PortalClient(stack.url)
        self._client.sign_in("demo", stack.secret("demo_password"), name="benchmark")
        self._project = self._client.project("Benchmark")["slug"]

    def run(self, function: str, *, runs: int, workers: int) -> tuple[float, list[RunTimes]]:
        """Launch an experiment in one allocation and wait for it; (time of the launch, times of its runs)."""
        bundle = self._client._http.post(
            f"/projects/{self._project}/bundles/", files={"file": ("short.py", CODE.read_text())}
        )
        bundle.raise_for_status()
        launched = time.time()
        experiment = self._client.experiment_create(
            self._project,
            bundle=bundle.json()["id"],
            name=function,
            entrypoint=f"short:{function}",
            runs=[{"x": 0.01 + number / 10_000} for number in range(runs)],
            workers=workers,
            max_parallel=1,
        )
        times = self._wait(experiment["id"], runs)
        if len({each.allocation for each in times}) != 1:
            raise SystemExit("The runs did not share one allocation; see the logs.")
        return launched, times

    def _wait(self, experiment: str, runs: int) -> list[RunTimes]:
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            # Seldom: this is load, too.
            time.sleep(1.0)
            state: dict[str, Any] = self._client.experiment(experiment)
            if state["state"] == "completed":
                break
        url = postgres.url(self._stack.home.runtime / "postgres", "mlplatform")
        with psycopg.connect(url) as connection:
            rows = connection.execute(TIMES, [experiment]).fetchall()
        if len(rows) != runs:
            raise SystemExit(f"{len(rows)} of {runs} runs have ended after {LIMIT_S:.0f} s.")
        return [
            RunTimes(leased, entered, left, ended, str(allocation))
            for leased, entered, left, ended, allocation in rows
        ]


@contextmanager
def product() -> Iterator[Product]:
    """Start the stack in a folder of its own, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="mlp-bench-")).resolve()
    stack = EmbeddedStack(Home(folder / "home"))
    try:
        stack.up()
        yield Product(stack)
    finally:
        if stack.process:
            stack.down()
        shutil.rmtree(folder, ignore_errors=True)
