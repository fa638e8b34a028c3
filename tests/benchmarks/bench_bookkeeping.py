"""Runs of one second on sixteen slots: how long do the slots wait for the portal?

    python -m tests.benchmarks.bench_bookkeeping [--runs 1600] [--peer-trials 320]

The portal is real: web, worker, clock, PostgreSQL with durable commits, Valkey. The slots are simulated: sixteen
threads with the harness's own uploader and lease requests, whose "training" is a sleep of a second with one report at
its end. There is no Ray and no MLflow. The peer, Ray Tune, runs function trainables that sleep, sixteen at a time, on
the same machine; it publishes 715 s for 10,000 trials of a second on sixteen CPUs, which is 14 % above the ideal 625 s.
"""

# a command

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from runners.harness.client import PortalClient
from runners.harness.leasing import Leasing
from runners.harness.protocol import Allocation, Lease
from runners.harness.stream import Stream
from tests.benchmarks import ray_tune
from tests.benchmarks.portal_alone import PortalAlone, portal_alone
from tests.benchmarks.report import print_machine, print_table, spread

SLOTS = 16
SECOND = 1.0


@dataclass
class Slot:
    """One worker group of one worker, as far as the portal can tell."""

    environment: dict[str, str]
    runs: list[tuple[float, float]] = field(default_factory=list)

    def work(self) -> None:
        """Lease, sleep, report, end; until the portal says drain."""
        allocation = Allocation.from_environment(self.environment)
        client = PortalClient(allocation.url, allocation.token)
        leasing = Leasing(client)
        order = leasing.next_order()
        while order["order"] in {"run", "wait"}:
            if order["order"] == "wait":
                leasing.wait(order)
                order = leasing.next_order()
                continue
            order = self._run(client, Lease.from_json(order["run"]), leasing) or leasing.next_order()

    def _run(self, client: PortalClient, lease: Lease, leasing: Leasing) -> dict | None:
        stream = Stream(client, lease, 0)
        stream.start()
        started = time.time()
        time.sleep(SECOND)
        self.runs.append((started, time.time()))
        stream.points(1, {"score": lease.config["x"]})
        if not stream.finish("completed", group=leasing.group):
            raise SystemExit("The portal did not take the end of a run.")
        stream.close()
        return stream.next_order


def simulate(portal: PortalAlone, runs: int) -> tuple[list[Slot], dict[str, float]]:
    """Play all slots until the experiment is done; the slots, and CPU seconds of each part meanwhile."""
    experiment = portal.launch(runs=runs, slots=SLOTS)
    slots = [Slot(job) for job in portal.wait_for_jobs(SLOTS)]
    before = portal.cpu_seconds()
    threads = [threading.Thread(target=slot.work, daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + 10 * SECOND * runs / SLOTS + 120
    while sum(len(slot.runs) for slot in slots) < runs and time.monotonic() < limit:
        time.sleep(0.2)
    after = portal.cpu_seconds()
    while portal.client.experiment(experiment)["state"] != "completed":
        if time.monotonic() > limit:
            raise SystemExit("The experiment did not complete.")
        time.sleep(1.0)
    return slots, {name: after[name] - before[name] for name in after}


def overhead(runs: list[tuple[float, float]]) -> float:
    """By how much the whole took longer than so many seconds on so many slots must take."""
    makespan = max(end for _, end in runs) - min(start for start, _ in runs)
    return makespan / (len(runs) * SECOND / SLOTS) - 1


def steady(runs: list[tuple[float, float]]) -> float:
    """The same for the second half of the runs, without the last ones: what start-up costs is left out."""
    ends = sorted(end for _, end in runs)[len(runs) // 2 : -SLOTS]
    return (ends[-1] - ends[0]) * SLOTS / SECOND / (len(ends) - 1) - 1


def shares(runs: list[tuple[float, float]]) -> list[str]:
    """Cells of the table."""
    return [str(len(runs)), f"{100 * overhead(runs):.1f} %", f"{100 * steady(runs):.1f} %"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1600)
    parser.add_argument("--peer-trials", type=int, default=320)
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder, portal_alone(Path(folder)) as portal:
        slots, cpu = simulate(portal, options.runs)
    ours = [run for slot in slots for run in slot.runs]
    waits = [after[0] - before[1] for slot in slots for before, after in pairwise(slot.runs)]
    rows = [["mlplatform (simulated slots)", *shares(ours)]]
    if options.peer_trials:
        peer = ray_tune.measure("second", options.peer_trials)
        theirs = list(zip(peer.entered, peer.left, strict=True))
        rows.append(["Ray Tune (function trainables)", *shares(theirs)])
    header = ["time above the ideal", "runs", "in all", "second half"]
    print_table(f"Runs of {SECOND:g} s on {SLOTS} slots", header, rows)
    print_table(
        "A slot's wait between two runs, in ms", ["", "p50", "p95", "max"], [["mlplatform", *spread(waits)]]
    )
    per_run = [[name, f"{1000 * seconds / len(ours):.1f}"] for name, seconds in cpu.items()]
    print_table("CPU time of the portal", ["", "ms per run"], per_run)


if __name__ == "__main__":
    main()
