"""`mlp watch`: what is happening now."""

import argparse

from mlplatform.cli import places, tables
from mlplatform.cli.client import Json, PortalClient
from mlplatform.cli.progress import TRAINED, follow
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import metric_key

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
    metric = experiment["objective"]["metric"]
    descending = "-" if experiment["objective"]["direction"] == "maximize" else ""
    sort = descending + metric_key(metric) if metric else "number"
    runs = portal.runs(experiment["id"], sort=sort)
    terminal.show(tables.runs(runs, [metric] if metric else [], metric))
    return 0 if all(run["state"] in TRAINED for run in runs) else 1
