"""`mlp fork` and `continue`: new runs that begin where another one left off."""

import argparse

from mlplatform.cli import places, values
from mlplatform.cli.client import ClientError, Json, PortalClient
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "fork",
        fork,
        "begin a new run at a checkpoint of another one",
        "mlp fork vision/digits 3 --checkpoint 8 --set lr=0.001",
        json=True,
    )
    places.add_run(parser)
    parser.add_argument(
        "--checkpoint",
        metavar="STEP",
        type=int,
        help="where to begin; the last, if left out (see mlp checkpoints)",
    )
    values.add_set(parser, "another value for a parameter; several, as in lr=0.1,0.01, make one run each")
    parser = verbs.add(
        "continue",
        further,
        "train a completed run further, as a new run",
        "mlp continue vision/digits 3 --more 5",
        json=True,
    )
    places.add_run(parser)
    parser.add_argument(
        "--more", metavar="N", type=int, required=True, help="how many reports (epochs, most often) more"
    )


def fork(args: argparse.Namespace, terminal: Terminal) -> None:
    """One new run for every combination of the values."""
    sets = values.grid(values.values(args.sets))
    portal = terminal.portal()
    run = places.find_run(portal, args)
    start = {} if args.checkpoint is None else {"checkpoint": _checkpoint(portal, run, args.checkpoint)}
    made = portal.run_forks(run["id"], sets, **start)
    if args.json:
        return terminal.json(made)
    for new in made:
        terminal.say(f"Run {new['number']} begins where run {run['number']} was: {new['url']}")
    return None


def further(args: argparse.Namespace, terminal: Terminal) -> None:
    """Train on."""
    portal = terminal.portal()
    run = places.find_run(portal, args)
    made = portal.run_continue(run["id"], args.more)
    if args.json:
        return terminal.json(made)
    return terminal.say(f"Run {made['number']} goes on where run {run['number']} has ended: {made['url']}")


def _checkpoint(portal: PortalClient, run: Json, step: int) -> int:
    """The id of the newest checkpoint at a step. Raises ClientError naming those that there are."""
    found = portal.checkpoints(run["id"])
    for checkpoint in found:
        if checkpoint["step"] == step:
            return int(checkpoint["id"])
    steps = ", ".join(str(checkpoint["step"]) for checkpoint in found) or "none"
    raise ClientError(404, f"Run {run['number']} has no checkpoint at step {step}; kept are: {steps}.")
