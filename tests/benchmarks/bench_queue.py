"""A tick of the queue with 10,000 waiting in 100 projects: how long does it take, and how many get in per second?

    python -m tests.benchmarks.bench_queue [--waiting 10000] [--projects 100] [--times 15]

The decision alone, beside plain first-come-first-served over the same claims in the same process; then whole ticks with
PostgreSQL (durable commits): the lock, reading everything, deciding, and writing who got in and why the rest waits. The
backend's answers to the submissions are not in it. Kueue publishes about 42 admissions a second, on another machine and
through the API server of Kubernetes: only the order of magnitude can be compared.
"""

# ruff: noqa: T201  # a command

import argparse
import os
import random
import time
import uuid
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import django

from runners.admission import Claim, Decision, Totals, decide
from runners.limits import Cap, Limits
from tests.benchmarks.report import print_machine, print_table, spread
from tests.stack import Servers

CPUS = 512
FREED = 40


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--times", type=int, default=15)
    args = parser.parse_args()
    print_machine()
    alone(args)
    servers = Servers(durable=True)
    os.environ.update(servers.environment() | {"DJANGO_SETTINGS_MODULE": "mlplatform.settings"})
    os.environ["MLP_RAY_CPUS"] = str(CPUS)
    servers.start()
    try:
        django.setup()
        whole(args)
    finally:
        servers.stop()


def alone(args: argparse.Namespace) -> None:
    """Without a database."""
    claims = made(args.waiting, args.projects)
    holding = [claim for claim in made(CPUS, args.projects, first=10**6) if claim.cpus == 1][: CPUS // 2]
    caps = [Cap(f"project:{number}", "cpus", CPUS / 4, "it") for number in range(args.projects)]
    totals, limits = Totals(CPUS, 0), Limits(caps)
    rows = []
    for title, ask in (
        ("ours: priorities, shares, caps, backfill", lambda: decide(claims, holding, totals, limits=limits)),
        ("ours, everything fits", lambda: decide(claims, [], Totals(10**6, 10**6), limits=Limits())),
        ("first come, first served", lambda: fifo(claims, holding, totals)),
    ):
        rows.append([title, len(ask().admit), *measure(ask, args.times)])
    header = ("", "admitted", "p50 ms", "p95 ms", "max ms", "CPU ms")
    print_table(f"one decision, {args.waiting:,} waiting in {args.projects} projects", header, rows)


def whole(args: argparse.Namespace) -> None:
    """With PostgreSQL."""
    from django.core.management import call_command  # noqa: PLC0415  (only after the servers are there)

    from runners.models import Allocation  # noqa: PLC0415
    from runners.services.admission import backend_decide  # noqa: PLC0415
    from runners.states import AllocationState  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    queue(args)
    first = measure(lambda: backend_decide("local"), 1)
    idle = measure(lambda: backend_decide("local"), args.times)
    took, used, admitted = [], [], 0
    for _ in range(args.times):
        held = Allocation.objects.filter(admitted_at__isnull=False, state=AllocationState.WAITING)
        gone = list(held.order_by("admitted_at").values_list("pk", flat=True)[:FREED])
        Allocation.objects.filter(pk__in=gone).update(state=AllocationState.ENDED)
        start, cpu = time.perf_counter(), time.process_time()
        admitted += len(backend_decide("local")[1].admit)
        took.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    rows = [
        ["the first, which writes why each waits", *first],
        ["nothing has changed", *idle],
        [f"{FREED} have just let go", *spread(took), f"{1000 * median(used):.1f}"],
    ]
    header = ("", "p50 ms", "p95 ms", "max ms", "CPU ms")
    print_table(
        f"one tick with PostgreSQL, {args.waiting:,} waiting in {args.projects} projects", header, rows
    )
    print(
        f"admissions per second, ticks one after the other: {admitted / sum(took):.0f} (Kueue publishes 42)\n"
    )
    print(f"admitted while measuring: {admitted}")


def queue(args: argparse.Namespace) -> None:
    """As many allocations, of as many projects."""
    from accounts.models import Project, User  # noqa: PLC0415  (only after the servers are there)
    from runners.models import Allocation  # noqa: PLC0415

    people = [User.objects.create(username=f"u{number}") for number in range(20)]
    projects = [
        Project.objects.create(name=f"p{number}", slug=f"p{number}", created_by=people[0])
        for number in range(args.projects)
    ]
    chance = random.Random(0)  # no secret
    Allocation.objects.bulk_create(
        [
            Allocation(
                owner_id=uuid.uuid4(), backend="local", workers=1, cpus_per_worker=chance.choice((1, 1, 2, 4, 8)),
                gpus_per_worker=0, package_key="x", project=chance.choice(projects), user=chance.choice(people),
                priority=chance.choice((0, 1, 1, 1, 2)),
            )
            for _ in range(args.waiting)
        ],
        batch_size=2000,
    )  # fmt: skip


def made(count: int, projects: int, first: int = 1) -> list[Claim]:
    """Claims of many sizes; the same every time."""
    chance = random.Random(0)  # no secret
    found = []
    for number in range(count):
        project = str(chance.randrange(projects))
        user = f"{project}-{chance.randrange(5)}"
        found.append(
            Claim(
                uuid.UUID(int=first + number), chance.choice((1, 1, 2, 4, 8)), 0, project=project, user=user,
                scopes=(f"project:{project}", f"user:{user}"), priority=chance.choice((0, 1, 1, 1, 2)),
                asked=number, lasts=chance.choice((None, 60.0, 600.0)), ends=chance.choice((None, 300.0)),
            )
        )  # fmt: skip
    return found


def fifo(waiting: Sequence[Claim], holding: Sequence[Claim], totals: Totals) -> Decision:
    """Nobody overtakes: the least that a queue can do."""
    free = totals.cpus - sum(claim.cpus for claim in holding)
    admit, reasons, blocked = [], {}, False
    for claim in sorted(waiting, key=lambda claim: (claim.asked, claim.id)):
        blocked = blocked or claim.cpus > free
        if blocked:
            reasons[claim.id] = f"Needs {claim.cpus:g} CPUs; {free:g} of {totals.cpus:g} are free."
        else:
            admit.append(claim.id)
            free -= claim.cpus
    return Decision(tuple(admit), (), reasons)


def measure(ask: Callable[[], Any], times: int) -> list[str]:
    """Milliseconds: median, 95 %, largest; and the median of this process's own CPU, which others hardly change."""
    took, used = [], []
    for _ in range(times):
        start, cpu = time.perf_counter(), time.process_time()
        ask()
        took.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    return [*spread(took), f"{1000 * median(used):.1f}"]


if __name__ == "__main__":
    main()
