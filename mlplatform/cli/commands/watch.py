"""`mlp watch` and `logs`: what is happening now."""

import argparse
import time

from mlplatform.cli import places, tables
from mlplatform.cli.client import ClientError, Json, PortalClient
from mlplatform.cli.commands.look import shown_metrics
from mlplatform.cli.progress import TRAINED, follow
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import OVER

LOG_PAUSE_S = 1.0
# As shells have it for a command that Ctrl-C has ended.
INTERRUPTED = 130


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "watch",
        watch,
        "follow an experiment until it has finished; Ctrl-C leaves it running",
        "mlp watch vision/digits",
    )
    places.add_experiment(parser)
    parser = verbs.add(
        "logs",
        logs,
        "print what a run has printed",
        "mlp logs vision/digits 3 --follow",
    )
    places.add_run(parser)
    parser.add_argument("--attempt", metavar="N", type=places.number, help="the latest, if left out")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the run has ended")


def watch(args: argparse.Namespace, terminal: Terminal) -> int:
    """Exit code 0 if every run has trained to its end, 1 otherwise."""
    portal = terminal.portal()
    return watch_experiment(terminal, portal, places.find_experiment(portal, args.experiment))


def watch_experiment(terminal: Terminal, portal: PortalClient, experiment: Json) -> int:
    """The same for an experiment that is known."""
    name = places.label(experiment)
    try:
        follow(terminal.console, portal, experiment["id"])
    except KeyboardInterrupt:
        terminal.warn(f"{name} goes on without us. Stop it: mlp cancel {name}")
        return INTERRUPTED
    objective = experiment["objective"]
    descending = "-" if objective["direction"] == "maximize" else ""
    sort = f"{descending}metrics.{objective['metric']}" if objective["metric"] else "number"
    runs = portal.runs(experiment["id"], sort=sort)
    terminal.show(tables.runs(runs, shown_metrics(experiment, sort), experiment["objective"]["metric"]))
    return 0 if all(run["state"] in TRAINED for run in runs) else 1


def logs(args: argparse.Namespace, terminal: Terminal) -> None:
    """Print an attempt's output; with --follow also that of later ones, and until the run has ended."""
    portal = terminal.portal()
    run = places.find_run(portal, args)
    _check_attempt(run, args.attempt)
    attempt, end = args.attempt or run["attempts"], 0
    while True:
        # Looked at before the log is, so that nothing is missed at the end.
        over = not args.follow or run["state"] in OVER
        latest = run["attempts"] if args.attempt is None and args.follow else attempt
        # 0 while nobody has tried yet.
        for number in range(max(attempt, 1), latest + 1):
            if number > max(attempt, 1):
                terminal.warn(f"attempt {number} of run {run['number']}")
            text, end = portal.log(run["id"], number, end)
            terminal.write(text)
        attempt = latest
        if over or (args.attempt and run["attempts"] > args.attempt):
            return
        time.sleep(LOG_PAUSE_S)
        run = portal.get(f"/runs/{run['id']}/")


def _check_attempt(run: Json, attempt: int | None) -> None:
    if attempt and attempt > run["attempts"]:
        raise ClientError(
            404, f"Run {run['number']} has no attempt {attempt}; it had {run['attempts']} so far."
        )
