"""`mlp pause`, `resume`, `cancel`, `retry`, `tag`, `delete`, `edit`: what people do to an experiment after launch."""

import argparse
from collections.abc import Callable
from typing import Any

from mlplatform.cli import definition, places
from mlplatform.cli.client import Json
from mlplatform.cli.definition import Option
from mlplatform.cli.errors import UsageError
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs

CLEARED = "none"
SAID = {
    "pause": "{} is paused; what runs goes back to the queue at its next checkpoint. Go on: mlp resume {}",
    "resume": "{} goes on.",
    "cancel": "{} is canceled; what runs stops at its next report.",
}
PAST = {"cancel": "Canceled", "delete": "Deleted", "retry": "Queued again", "tag": "Tagged"}


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "pause",
        _verb("pause"),
        "stop starting runs, and put back what runs",
        "mlp pause vision/digits",
        json=True,
    )
    places.add_experiment(parser)
    parser = verbs.add(
        "resume", _verb("resume"), "go on with a paused experiment", "mlp resume vision/digits", json=True
    )
    places.add_experiment(parser)
    parser = verbs.add(
        "cancel",
        cancel,
        "cancel an experiment, or some of its runs",
        "mlp cancel vision/digits",
        "mlp cancel vision/digits 3 7-9",
        json=True,
    )
    _add_runs(parser, "cancel only these runs, by number; 7-9 is a range")
    parser = verbs.add(
        "retry",
        retry,
        "queue failed runs again; they resume from their last checkpoint",
        "mlp retry vision/digits",
        "mlp retry vision/digits 3 7-9",
        json=True,
    )
    _add_runs(parser, "retry these failed or canceled runs, by number; without, all that failed")
    parser = verbs.add(
        "tag",
        tag,
        "give runs tags, or take them away",
        "mlp tag vision/digits 3 7-9 --set kind=ablation --set old=",
        json=True,
    )
    _add_runs(parser, "the runs, by number; 7-9 is a range")
    parser.add_argument(
        "--set",
        dest="tags",
        metavar="NAME=VALUE",
        action="append",
        required=True,
        help="without a value: take it away",
    )
    parser = verbs.add(
        "delete",
        delete,
        "delete a finished experiment, or some of its runs, for good",
        "mlp delete vision/digits",
        "mlp delete vision/digits 3 7-9 --yes",
        json=True,
    )
    _add_runs(parser, "delete only these runs, by number; 7-9 is a range")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser = verbs.add(
        "edit",
        edit,
        "change an experiment while it runs, or give a finished one more to do",
        "mlp edit vision/digits --max-parallel 4 --runs 80 --max-hours none",
        json=True,
    )
    places.add_experiment(parser)
    definition.add_options(parser, EDITABLE)


def limit(text: str) -> float | str:
    """A number, or `none` to take a limit away; for argparse."""
    return text if text == CLEARED else float(text)


EDITABLE = (
    definition.NAME,
    definition.DESCRIPTION,
    definition.PARALLEL,
    definition.RETRIES,
    Option("--max-hours", "max_hours", limit, "H", f"{definition.HOURS.help}, or {CLEARED}"),
    Option("--target", "target", limit, "X", f"{definition.TARGET.help}, or {CLEARED}"),
    definition.PRIORITY,
    Option("--runs", "runs", int, "N", "sets that the search may try"),
)


def cancel(args: argparse.Namespace, terminal: Terminal) -> int:
    """Cancel the runs that were named, or else the experiment."""
    return _some(args, terminal, "cancel") if _numbers(args) else _all(args, terminal, "cancel")


def delete(args: argparse.Namespace, terminal: Terminal) -> int:
    """Delete the runs that were named, or else the experiment, after asking."""
    portal, numbers = terminal.portal(), _numbers(args)
    experiment = places.find_experiment(portal, args.experiment)
    what = (
        f"{_listed(sorted(numbers))} of {places.label(experiment)}" if numbers else places.label(experiment)
    )
    if not args.yes and not terminal.agrees(f"Delete {what} for good?"):
        terminal.warn("Nothing was deleted.")
        return 1
    if numbers:
        return _say(args, terminal, "delete", portal.runs_do(experiment["id"], "delete", numbers))
    deletion = portal.experiment_delete(experiment["id"])
    if args.json:
        terminal.json(deletion)
    else:
        terminal.say(f"{places.label(experiment)} is deleted; its files follow.")
    return 0


def retry(args: argparse.Namespace, terminal: Terminal) -> int:
    """Retry the runs that were named, or else all that failed."""
    return _some(args, terminal, "retry")


def tag(args: argparse.Namespace, terminal: Terminal) -> int:
    """Give tags to the runs that were named, or take them away."""
    tags: dict[str, str | None] = {}
    for given in args.tags:
        name, sign, value = given.partition("=")
        if not sign or not name:
            raise UsageError(f"{given!r} is no tag; write name=value, or name= to take it away.")
        tags[name] = value or None
    numbers = _numbers(args)
    if not numbers:
        raise UsageError("Say which runs, by number.")
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    return _say(args, terminal, "tag", portal.runs_tag(experiment["id"], numbers, tags))


def edit(args: argparse.Namespace, terminal: Terminal) -> None:
    """Send what was said."""
    changes: dict[str, Any] = {
        name: None if value == CLEARED and name in ("max_hours", "target") else value
        for name, value in definition.given(args, EDITABLE).items()
    }
    if not changes:
        raise UsageError(f"Say what to change: {', '.join(option.flag for option in EDITABLE)}.")
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    changed = portal.experiment_change(experiment["id"], **changes)
    if args.json:
        return terminal.json(changed)
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items())
    return terminal.say(
        f"{places.label(changed)} is {changed['state']}, with {said.replace('None', CLEARED)}."
    )


def _verb(verb: str) -> Callable[[argparse.Namespace, Terminal], int]:
    return lambda args, terminal: _all(args, terminal, verb)


def _all(args: argparse.Namespace, terminal: Terminal, verb: str) -> int:
    portal = terminal.portal()
    experiment = portal.experiment_do(places.find_experiment(portal, args.experiment)["id"], verb)
    if args.json:
        terminal.json(experiment)
    else:
        terminal.say(SAID[verb].replace("{}", places.label(experiment)))
    return 0


def _some(args: argparse.Namespace, terminal: Terminal, verb: str) -> int:
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    return _say(args, terminal, verb, portal.runs_do(experiment["id"], verb, _numbers(args)))


def _say(args: argparse.Namespace, terminal: Terminal, verb: str, outcome: Json) -> int:
    """Exit code 1 if runs were named, and nothing could be done to any of them."""
    changed, skipped = outcome["changed"], outcome["skipped"]
    code = 1 if _numbers(args) and not changed else 0
    if args.json:
        terminal.json(outcome)
        return code
    if changed:
        terminal.say(f"{PAST[verb]}: {_listed(changed)}.")
    elif not skipped:
        terminal.say("No run has failed.")
    if skipped:
        terminal.warn(
            f"Left as they are, since they do not exist or their state does not allow it: {_listed(skipped)}."
        )
    return code


def _listed(numbers: list[int]) -> str:
    return ("run " if len(numbers) == 1 else "runs ") + ", ".join(map(str, numbers))


def _add_runs(parser: argparse.ArgumentParser, text: str) -> None:
    places.add_experiment(parser)
    parser.add_argument("runs", metavar="RUN", nargs="*", type=places.numbers, help=text)


def _numbers(args: argparse.Namespace) -> set[int]:
    with_it = [] if args.experiment.number is None else [args.experiment.number]
    return {number for listed in (*args.runs, with_it) for number in listed}
