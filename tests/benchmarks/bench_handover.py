"""No-op runs with one worker: what is between the end of one run and the start of the next?

    python -m tests.benchmarks.bench_handover [--runs 201]

Ours: the embedded stack, launched over REST, one allocation. The peer: Ray Tune, function trainables, actors reused.
Both functions report when they were entered and left; a hand-over is from one's `left` to the next one's `entered`.
"""

import argparse
import itertools

from tests.benchmarks import ray_tune
from tests.benchmarks.product import product
from tests.benchmarks.report import print_machine, print_table, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=201)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    print_machine()
    with product() as portal:
        launched, times = portal.run("noop", runs=options.runs, workers=1)
    pairs = list(itertools.pairwise(times))
    cold = (times[-1].ended - launched) / len(times)
    warm = (times[-1].ended - times[0].leased) / len(times)
    per_run = [
        ["mlplatform, from the launch on", f"{1000 * cold:.1f}"],
        ["mlplatform, from the first lease on", f"{1000 * warm:.1f}"],
    ]
    handovers = [
        ["mlplatform: function to function", *spread([b.entered - a.left for a, b in pairs])],
        ["  of it: function's end to end stored", *spread([a.ended - a.left for a, _ in pairs])],
        ["  of it: end stored to next lease", *spread([b.leased - a.ended for a, b in pairs])],
        ["  of it: lease to function's start", *spread([b.entered - b.leased for _, b in pairs])],
    ]
    if not options.no_peer:
        peer = ray_tune.measure("noop", options.runs)
        per_run += [
            ["Ray Tune, from Tuner.fit() on", f"{1000 * peer.per_trial:.1f}"],
            ["Ray Tune, from the first function on", f"{1000 * peer.warm:.1f}"],
        ]
        handovers.append(["Ray Tune: function to function", *spread(peer.handovers)])
    print_table(f"{options.runs} no-op runs, one worker", ["", "ms per run"], per_run)
    print_table(f"{len(pairs)} hand-overs, in ms", ["", "p50", "p95", "max"], handovers)


if __name__ == "__main__":
    main()
