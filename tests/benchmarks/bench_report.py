"""How long `report` holds the training loop: a step of about a millisecond, one metric, everything behind it real.

    python -m tests.benchmarks.bench_report [--steps 5000]

Ours: the harness's session and its uploader, as in a Ray worker of one, reporting to a real portal. The peers:
`mlflow.log_metric` to MLflow's server on the same machine, synchronous and asynchronous. All do the same work per step.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np

from runners.harness.consensus import Consensus
from runners.harness.session import RunSession
from runners.harness.stream import Stream
from tests.benchmarks.mlflow_beside import mlflow_beside
from tests.benchmarks.portal_alone import portal_alone
from tests.benchmarks.report import print_machine, print_table, quantile
from tests.benchmarks.workers import workers

MATRIX = np.random.default_rng(0).random((160, 160))


def hold(steps: int, report: Callable[[int, float], Any]) -> list[float]:
    """Microseconds of each report."""
    held = []
    for step in range(1, steps + 1):
        loss = float((MATRIX @ MATRIX).sum()) / step
        started = time.perf_counter()
        report(step, loss)
        held.append(1e6 * (time.perf_counter() - started))
    return held


def row(name: str, held: list[float]) -> list[object]:
    return [name, len(held), *(f"{quantile(held, share):,.0f}" for share in (0.5, 0.95, 0.99, 1.0))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, portal_alone(Path(name)) as portal:
        (worker,) = workers(portal, 1)
        stream = Stream(worker.client, worker.lease, 0)
        stream.start()
        session = RunSession(worker.lease, Consensus(None, 0, 1), stream, None)  # type: ignore[arg-type]
        rows = [row("mlplatform", hold(options.steps, lambda step, loss: session.report({"loss": loss})))]
        if not stream.finish("completed"):
            raise SystemExit("The portal did not take everything.")
        stream.close()
        with mlflow_beside(portal.servers, Path(name)), mlflow.start_run():

            def background(step: int, loss: float) -> None:
                mlflow.log_metric("loss", loss, step, synchronous=False)

            rows.append(row("mlflow.log_metric, asynchronous", hold(options.steps, background)))
            mlflow.flush_async_logging()
            few = options.steps // 10
            rows.append(
                row("mlflow.log_metric", hold(few, lambda step, loss: mlflow.log_metric("loss", loss, step)))
            )
    print_table("Microseconds per report", ["", "reports", "p50", "p95", "p99", "max"], rows)


if __name__ == "__main__":
    main()
