"""What the harness costs: steady-state epochs against torchrun, and microseconds per `report`.

    python -m tests.benchmarks.bench_harness_overhead [--repetitions 5] [--epochs 40]

Repetitions alternate (torchrun, harness, torchrun, …) on the same machine, with a live HTTP portal in between, so that
a machine that gets slower or faster hurts both alike. Run it on a machine that does nothing else.
"""

# ruff: noqa: T201  # a command

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.runners.harness.fake_portal import FakePortal, FakeRun
from tests.runners.harness.ray_jobs import Job, RayCluster, local_ray

BUNDLE = Path(__file__).parent / "bundle"
WARM_UP = 5
PATIENCE_S = 300


def torchrun(config: dict, workers: int) -> None:
    """Run the benchmark's train function with plain DDP."""
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(workers)),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", str(BUNDLE / "bench.py")),
        ],
        env={**os.environ, "BENCH_CONFIG": json.dumps(config), "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


class WarmGroup:
    """An allocation that waits for runs while torchrun has its turn."""

    def __init__(self, cluster: RayCluster, folder: Path, workers: int) -> None:
        self.portal = FakePortal()
        self.portal.when_empty = {"order": "wait", "wait_s": 0.5}
        self.portal.start()
        self._job = Job(cluster, self.portal, folder, BUNDLE, id=f"bench-{workers}", workers=workers)

    def run(self, function: str, config: dict) -> FakeRun:
        run = self.portal.add(entrypoint=f"bench:{function}", config=config)
        deadline = time.monotonic() + PATIENCE_S
        while run.state in {"queued", "running"} and time.monotonic() < deadline:
            time.sleep(0.1)
        if run.state != "completed":
            sys.exit(f"the run is {run.state}: {run.causes}\n{self._job.output()[-3000:]}")
        return run

    def end(self) -> None:
        self.portal.when_empty = {"order": "drain"}
        self._job.wait(timeout_s=60)
        self.portal.stop()


Medians = dict[str, list[tuple[float, float]]]


def epochs(group: WarmGroup, folder: Path, options: argparse.Namespace, *, every_step: bool) -> Medians:
    """Alternate both ways of running; return the median epoch of every repetition: (wall, CPU) milliseconds."""
    out = folder / "seconds.json"
    config = {"epochs": options.epochs, "every_step": every_step, "out": str(out)}
    medians: Medians = {"torchrun": [], "harness": []}
    for number in range(options.repetitions):
        for way in ("torchrun", "harness") if number % 2 == 0 else ("harness", "torchrun"):
            if way == "torchrun":
                torchrun(config, workers=2)
            else:
                group.run("under_the_harness", config)
            wall, cpu = zip(*json.loads(out.read_text())[WARM_UP:], strict=True)
            medians[way].append((1000 * median(wall), 1000 * median(cpu)))
    return medians


def show(title: str, medians: Medians) -> None:
    """Print one comparison. CPU time is rank 0's and tells the cost even when others use the machine, too."""
    print(f"\n{title}")
    for index, kind in enumerate(("wall", "CPU")):
        values = {way: [pair[index] for pair in pairs] for way, pairs in medians.items()}
        for way, numbers in values.items():
            print(
                f"  {kind:5}{way:10}{median(numbers):9.2f} ms per epoch ({min(numbers):.2f} to {max(numbers):.2f})"
            )
        ratios = [h / t for t, h in zip(values["torchrun"], values["harness"], strict=True)]
        best = min(values["harness"]) / min(values["torchrun"])
        print(
            f"  {kind:5}ratio {median(ratios):.4f} (median of neighbouring pairs), {best:.4f} (best of each)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--calls", type=int, default=5000)
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {options.repetitions} repetitions")
    # Ray's workers give way to all other processes, also to the portal in this one; torchrun's do not.
    with local_ray(RAY_worker_niceness="0") as cluster, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = {}
        for workers in (1, 2):
            (folder / str(workers)).mkdir()
            group = WarmGroup(cluster, folder / str(workers), workers)
            out = folder / "cost.json"
            values = []
            for _ in range(3):
                group.run("report_only", {"calls": options.calls, "out": str(out)})
                values.append(1e6 * json.loads(out.read_text()))
            costs[workers] = median(values)
            if workers == 2:
                show("2 workers, one report per epoch", epochs(group, folder, options, every_step=False))
                show("2 workers, one report per step", epochs(group, folder, options, every_step=True))
            group.end()
        print("\nmicroseconds per report() of three metrics, back to back")
        for workers, cost in costs.items():
            print(f"  {workers} worker{'s' if workers > 1 else ' '} {cost:8.1f}")


if __name__ == "__main__":
    main()
