"""What would the queue be like under other weights, quotas or sizes? Replays what was recorded, or made-up load."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from runners.admission import Rules, Totals
from runners.admission.load import Made, make_load
from runners.admission.simulation import Job, Simulation
from runners.admission.summary import Summary, Waits, summarize
from runners.limits import Cap, Limits
from runners.models import Allocation
from runners.registry import backend_get
from runners.selectors.limits import limits_for
from runners.selectors.recorded import project_names, recorded_load
from runners.selectors.situation import rules_for

RESOURCES = ("cpus", "gpus", "memory", "jobs")


class Command(BaseCommand):
    """`manage.py simulate_queue [--days 7 | --generate 500] [--weight vision=2] [--cap vision:cpus=4] [--json]`."""

    help = "Replay the queue under other weights, quotas or sizes: waits, use of the machines, fairness."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Nothing is needed: the last week is replayed as it was."""
        parser.add_argument("--backend", default=settings.DEFAULT_BACKEND)
        load = parser.add_mutually_exclusive_group()
        load.add_argument("--days", type=int, default=7, help="replay what was asked for in so many days")
        load.add_argument(
            "--generate", type=int, metavar="JOBS", help="made-up load instead of recorded load"
        )
        parser.add_argument("--seed", type=int, default=0, help="of the made-up load")
        parser.add_argument("--projects", type=int, default=8, help="of the made-up load")
        parser.add_argument(
            "--pressure", type=float, default=1.2, help="of the made-up load; 1: just enough room"
        )
        parser.add_argument("--cpus", type=float, help="instead of what the backend has")
        parser.add_argument("--gpus", type=float, help="instead of what the backend has")
        parser.add_argument(
            "--memory", type=float, help="GiB, instead of what the backend has; 0: not counted"
        )
        parser.add_argument("--weight", action="append", default=[], metavar="PROJECT=WEIGHT")
        parser.add_argument("--cap", action="append", default=[], metavar="PROJECT:RESOURCE=LIMIT")
        parser.add_argument("--patience", type=float, help="seconds; instead of MLP_QUEUE_PATIENCE_SECONDS")
        parser.add_argument("--turn", type=float, help="seconds; instead of MLP_QUEUE_TURN_SECONDS")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play it as it is and, if anything is to be different, as it would be."""
        backend = backend_get(options["backend"])
        totals = Totals(backend.cpus, backend.gpus, backend.memory)
        names: dict[str, str] = {}
        if options["generate"]:
            made = Made(options["generate"], options["projects"], options["pressure"], options["seed"])
            # What is made up must fit the machines that it is played on.
            jobs, limits, rules = make_load(made, _totals(totals, options)), Limits(), rules_for(())
            totals = _totals(totals, options)
        else:
            jobs, names = recorded_load(backend.name, days=options["days"]), project_names()
            rows = Allocation.objects.filter(pk__in=[job.claim.id for job in jobs])
            # Gates are of the moment; a replay has none.
            limits = Limits(limits_for(backend.name, rows).caps)
            rules = rules_for({row.project_id for row in rows if row.project_id})
        if not jobs:
            raise CommandError("Nothing has ended in these days; try --days with more, or --generate 500.")
        found = {"as it is": _play(jobs, totals, limits, rules)}
        other = (
            _totals(totals, options),
            Limits([*limits.caps, *_caps(options["cap"], names)]),
            _rules(rules, options, names),
        )
        if other != (totals, Limits(list(limits.caps)), rules):
            found["as asked for"] = _play(jobs, *other)
        if options["json"]:
            self.stdout.write(json.dumps({name: asdict(each) for name, each in found.items()}, indent=2))
            return
        self._print(found, names)

    def _print(self, found: dict[str, Summary], names: dict[str, str]) -> None:
        # Django's wrapper is no file for rich to ask about its width.
        console = Console(file=self.stdout, width=110)  # type: ignore[arg-type]
        for title, each in found.items():
            table = Table(title=title, title_justify="left")
            for heading in ("project", "jobs", "wait P50", "wait P90", "longest", "never"):
                table.add_column(heading, justify="left" if heading == "project" else "right")
            for name, waits in each.projects.items():
                table.add_row(names.get(name, name) or "(none)", *_cells(waits))
            table.add_section()
            table.add_row("everybody", *_cells(each.everybody))
            console.print(table)
            used = ", ".join(f"{part:.1%} of the {kind}" for kind, part in each.used.items())
            console.print(
                f"Used: {used or 'nothing'}. Jain index of the projects' speeds: {each.jain:.3f}. "
                f"It took {each.seconds / 3600:.1f} h."
            )


def _play(jobs: Sequence[Job], totals: Totals, limits: Limits, rules: Rules) -> Summary:
    return summarize(jobs, Simulation(jobs, totals, limits=limits, rules=rules).run(), totals)


def _totals(own: Totals, options: dict[str, Any]) -> Totals:
    given = {name: options[name] for name in ("cpus", "gpus", "memory") if options[name] is not None}
    return replace(own, **given)


def _rules(own: Rules, options: dict[str, Any], names: dict[str, str]) -> Rules:
    weights = {}
    for text in options["weight"]:
        project, value = _assigned(text, "vision=2")
        weights[_project(project, names)] = value
    given = {name: options[name] for name in ("patience", "turn") if options[name] is not None}
    return replace(own, weights={**own.weights, **weights}, **given)


def _caps(texts: Sequence[str], names: dict[str, str]) -> list[Cap]:
    caps = []
    for text in texts:
        what, limit = _assigned(text, "vision:cpus=4")
        project, _, resource = what.partition(":")
        if resource not in RESOURCES:
            raise CommandError(
                f"{text!r} names no resource; write one of {', '.join(RESOURCES)}, as vision:cpus=4."
            )
        caps.append(Cap(f"project:{_project(project, names)}", resource, limit, f"project {project}"))
    return caps


def _assigned(text: str, example: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not name or number <= 0:
        raise CommandError(f"{text!r} is not understood; write it as {example}.")
    return name, number


def _project(slug: str, names: dict[str, str]) -> str:
    """Made-up load has names instead of keys."""
    if not names:
        return slug
    found = next((key for key, name in names.items() if name == slug), None)
    if found is None:
        raise CommandError(f"There is no project {slug!r}; there are {', '.join(sorted(names.values()))}.")
    return found


def _cells(waits: Waits) -> list[str]:
    times = (_time(waits.median), _time(waits.late), _time(waits.longest))
    return [str(waits.jobs), *times, str(waits.never or "")]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
