"""`mlp launch`, `clone`, `add`: new experiments and new runs."""

import argparse

from mlplatform.cli import listing, places, sources, tables, values
from mlplatform.cli.client import Json
from mlplatform.cli.commands.look import add_project, project_slug
from mlplatform.cli.commands.watch import watch_experiment
from mlplatform.cli.definition import add_definition, definition, listed_sets
from mlplatform.cli.errors import UsageError
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import count


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "launch",
        launch,
        "create an experiment and queue its runs",
        "mlp launch example:digits -p vision --set lr=0.1,0.01 --set optimizer=adam,sgd --watch",
        "mlp launch train.py --search tpe --runs 40 --set lr=1e-4..0.1:log --set epochs=5 --pruner asha",
        "mlp launch train.py --sets table.csv",
        "mlp launch https://github.com/team/code.git@v1.2 --preview",
        json=True,
    )
    parser.add_argument("code", metavar="CODE", help=sources.HELP)
    add_project(parser)
    add_definition(parser)
    parser.add_argument("--preview", action="store_true", help="only say what it would do")
    _add_watch(parser)
    parser = verbs.add(
        "clone",
        clone,
        "create an experiment like another one, with changes",
        "mlp clone vision/digits --name wider --set channels=32,64",
        json=True,
    )
    places.add_experiment(parser)
    add_definition(parser)
    _add_watch(parser)
    parser = verbs.add(
        "add",
        add,
        "add runs to an experiment, which becomes active again if it has finished",
        "mlp add vision/digits --set lr=0.3,0.03",
        json=True,
    )
    places.add_experiment(parser)
    values.add_set(
        parser,
        "a value; several, as in lr=0.1,0.01, make one run each, and multiply with those of other parameters",
    )
    parser.add_argument("--sets", dest="listing", metavar="FILE", help=listing.HELP)


def launch(args: argparse.Namespace, terminal: Terminal) -> int:
    """Upload the code, then create the experiment or say what it would do."""
    _check(args)
    portal = terminal.portal()
    project = project_slug(portal, args)
    bundle = sources.bundle_of(portal, project, args.code)
    for warning in bundle["warnings"]:
        terminal.warn(warning)
    own = bundle["manifest"]
    fields = definition(args, own.get("search"), one_run=not own.get("runs"))
    fields["bundle"] = bundle["id"]
    if args.preview:
        preview = portal.experiment_preview(project, **fields)
        if args.json:
            terminal.json(preview)
        else:
            terminal.show(tables.preview_page(preview))
        return 0
    return _launched(args, terminal, portal.experiment_create(project, **fields))


def clone(args: argparse.Namespace, terminal: Terminal) -> int:
    """The same code and definition, with what was said instead."""
    _check(args)
    portal = terminal.portal()
    source = places.find_experiment(portal, args.experiment)
    fields = definition(args, source["search"], one_run=False)
    return _launched(args, terminal, portal.experiment_clone(source["id"], **fields))


def add(args: argparse.Namespace, terminal: Terminal) -> None:
    """Add the listed sets."""
    settings, rows = values.values(args.sets), listing.sets_in(args.listing) if args.listing else []
    if not settings and not rows:
        raise UsageError("Say which runs to add: --set NAME=VALUE, or --sets FILE.")
    sets = listed_sets(settings, rows)
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    added = portal.runs_add(experiment["id"], sets)
    if args.json:
        return terminal.json(added)
    first, last = added[0]["number"], added[-1]["number"]
    which = f"run {first}" if first == last else f"runs {first} to {last}"
    return terminal.say(f"Added {which} to {places.label(experiment)}.")


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help="follow it until it has finished")


def _check(args: argparse.Namespace) -> None:
    """Before anything is uploaded."""
    if args.json and args.watch:
        raise UsageError("--json and --watch do not go together; use `mlp watch` afterwards.")
    if args.watch and getattr(args, "preview", False):
        raise UsageError("--preview launches nothing that --watch could follow.")
    # Finds what is wrong whatever the code's own search is, which is known only then.
    definition(args, {"method": "random"}, one_run=True)


def _launched(args: argparse.Namespace, terminal: Terminal, experiment: Json) -> int:
    if args.json:
        terminal.json(experiment)
        return 0
    portal = terminal.portal()
    queued = len(portal.runs(experiment["id"]))
    name = places.label(experiment)
    terminal.say(
        f"Launched {name}: {tables.search_words(experiment['search'])}; {count(queued, 'run')} queued."
    )
    terminal.say(f"Page: {experiment['url']}")
    if args.watch:
        return watch_experiment(terminal, portal, experiment)
    terminal.say(f"Follow it: mlp watch {name}")
    return 0
