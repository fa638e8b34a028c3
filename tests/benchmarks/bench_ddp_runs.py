"""Short runs with two workers, through the whole product, against Ray Tune with a TorchTrainer per trial.

    python -m tests.benchmarks.bench_ddp_runs [--runs 30] [--peer-trials 3]

Ours: the embedded stack, launched over REST, one allocation. The peer needs half a minute per trial on a small
machine and does not get faster by repetition, so a few of its trials suffice.
"""

# ruff: noqa: T201  # a command

import argparse

from tests.benchmarks import ray_tune
from tests.benchmarks.product import product
from tests.benchmarks.report import print_machine, print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--peer-trials", type=int, default=3)
    options = parser.parse_args()
    print_machine()
    with product() as portal:
        launched, times = portal.run("ddp", runs=options.runs, workers=2)
    cold = (times[-1].ended - launched) / len(times)
    warm = (times[-1].ended - times[0].leased) / len(times)
    rows = [
        ["mlplatform, from the launch on", f"{cold:.3f}", len(times)],
        ["mlplatform, from the first lease on", f"{warm:.3f}", len(times)],
    ]
    peer = None
    if options.peer_trials:
        peer = ray_tune.measure("nested", options.peer_trials)
        rows += [
            ["Ray Tune, from Tuner.fit() on", f"{peer.per_trial:.3f}", len(peer.entered)],
            ["Ray Tune, from the first function on", f"{peer.warm:.3f}", len(peer.entered)],
        ]
    print_table("A sub-second DDP function with 2 workers", ["", "s per run", "runs"], rows)
    if peer:
        print(
            f"mlplatform is {peer.per_trial / warm:.0f} times as fast, {peer.per_trial / cold:.0f} times with its"
        )
        print(f"start-up of {times[0].leased - launched:.1f} s in the account.")


if __name__ == "__main__":
    main()
