"""The peer: Ray Tune, run in a process and a Ray of its own. `python -m tests.benchmarks.ray_tune KIND TRIALS`."""

# ruff: noqa: T201  # a command; its last line of output is the result

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from tests.runners.harness.ray_jobs import ROOT, local_ray

PATIENCE_S = 420


@dataclass(frozen=True)
class PeerTimes:
    """Unix seconds of each trial's function, in order, and of the whole `Tuner.fit`."""

    started: float
    finished: float
    entered: list[float]
    left: list[float]

    @property
    def per_trial(self) -> float:
        """Seconds per trial, everything included."""
        return (self.finished - self.started) / len(self.entered)

    @property
    def warm(self) -> float:
        """Seconds per trial from the first function's start on."""
        return (self.left[-1] - self.entered[0]) / len(self.entered)

    @property
    def handovers(self) -> list[float]:
        """Seconds from the end of one function to the start of the next; for trials one after the other."""
        return [after - before for before, after in zip(self.left, self.entered[1:], strict=False)]


def measure(kind: str, trials: int) -> PeerTimes:
    """Start a Ray, run so many trials on it, stop it."""
    with local_ray() as cluster:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.ray_tune", kind, str(trials)],
            env={**cluster.environment, "RAY_ADDRESS": cluster.address},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"Ray Tune failed:\n{done.stderr[-3000:]}")
    return PeerTimes(**json.loads(done.stdout.splitlines()[-1]))


def nested(config: dict[str, Any]) -> None:
    """A trial that trains with two workers: Ray's documented way, a TorchTrainer inside of a function trainable."""
    from ray.train import RunConfig, ScalingConfig  # noqa: PLC0415  # in the trial's process
    from ray.train.torch import TorchTrainer  # noqa: PLC0415
    from ray.tune.integration.ray_train import TuneReportCallback  # noqa: PLC0415

    from tests.benchmarks.bundle.short import ddp  # noqa: PLC0415

    trainer: Any = TorchTrainer
    trainer(
        ddp,
        train_loop_config={"x": config["x"]},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(
            name=f"trial-{config['x']}",
            storage_path=config["storage"],
            callbacks=[TuneReportCallback()],  # type: ignore[list-item]  # checkers see the class of Ray Train v1
        ),
    ).fit()


def noop(config: dict[str, Any]) -> None:
    """A trial that does nothing but report."""
    from ray import tune  # noqa: PLC0415  # in the trial's process

    entered = time.time()
    tune.report({"score": config["x"], "entered": entered, "left": time.time()})


def second(config: dict[str, Any]) -> None:
    """A trial of one second."""
    from ray import tune  # noqa: PLC0415  # in the trial's process

    entered = time.time()
    time.sleep(1.0)
    tune.report({"score": config["x"], "entered": entered, "left": time.time()})


# Function, CPUs per trial (of the four that the test's Ray offers), trials at a time.
KINDS = {"nested": (nested, 1.0, 1), "noop": (noop, 1.0, 1), "second": (second, 0.25, 16)}


def main() -> None:
    import ray  # noqa: PLC0415  # the parent only starts us
    from ray import tune  # noqa: PLC0415

    function, cpus, parallel = KINDS[sys.argv[1]]
    trials = int(sys.argv[2])
    ray.init(log_to_driver=False)
    with tempfile.TemporaryDirectory(prefix="mlp-peer-") as storage:
        xs = [0.01 + number / 10_000 for number in range(trials)]
        tuner = tune.Tuner(
            tune.with_resources(function, {"cpu": cpus}),
            param_space={"x": tune.grid_search(xs), "storage": storage},
            tune_config=tune.TuneConfig(max_concurrent_trials=parallel, reuse_actors=True),
            run_config=tune.RunConfig(name="peer", storage_path=storage, verbose=0),
        )
        started = time.time()
        results = tuner.fit()
        finished = time.time()
        if results.errors:
            raise SystemExit(str(results.errors[0]))
        metrics = [results[index].metrics or {} for index in range(len(results))]
        found = sorted((one["entered"], one["left"]) for one in metrics if one)
    times = PeerTimes(started, finished, [one[0] for one in found], [one[1] for one in found])
    print(json.dumps(times.__dict__))


if __name__ == "__main__":
    main()
