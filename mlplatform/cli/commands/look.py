"""`mlp projects`, `experiments`, `runs`, `show`, `definition`, `checkpoints`: what there is."""

import argparse
import re

from mlplatform.cli import places, tables
from mlplatform.cli.client import Json, PortalClient
from mlplatform.cli.errors import UsageError
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs

METRIC = "metrics."


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "projects", projects, "list your projects", "mlp projects", "mlp projects --new Vision", json=True
    )
    parser.add_argument("--new", metavar="NAME", help="create a project of this name, which you then own")
    parser = verbs.add(
        "experiments", experiments, "list experiments, newest first", "mlp experiments -p vision", json=True
    )
    add_project(parser)
    parser = verbs.add(
        "runs",
        runs,
        "list the runs of an experiment",
        "mlp runs vision/digits --sort -metrics.accuracy",
        "mlp runs vision/digits --where 'metrics.accuracy > 0.9 and params.lr < 0.01' --limit 20",
        json=True,
    )
    places.add_experiment(parser)
    parser.add_argument(
        "--sort",
        metavar="KEY",
        default="number",
        help="number, state, duration, params.NAME, metrics.NAME, …; with - in front the largest first",
    )
    parser.add_argument("--where", metavar="QUERY", default="", help="only runs for which this holds")
    parser.add_argument(
        "--limit", metavar="N", type=places.whole("number of runs", 1), help="only the first so many"
    )
    parser = verbs.add(
        "show",
        show,
        "show an experiment or a run",
        "mlp show vision/digits",
        "mlp show vision/digits 3",
        json=True,
    )
    places.add_run(parser)
    parser = verbs.add(
        "definition",
        definition,
        "print an experiment as experiment.yaml, which beside the same code makes another one like it",
        "mlp definition vision/digits > experiment.yaml",
    )
    places.add_experiment(parser)
    parser = verbs.add(
        "checkpoints",
        checkpoints,
        "list the checkpoints of a run",
        "mlp checkpoints vision/digits 3",
        json=True,
    )
    places.add_run(parser)


def add_project(parser: argparse.ArgumentParser) -> None:
    """The option --project."""
    parser.add_argument(
        "-p",
        "--project",
        metavar="PROJECT",
        help="the project as in its address; may be left out if you have one",
    )


def project_slug(portal: PortalClient, args: argparse.Namespace) -> str:
    """The project that was named, or the only one. Raises UsageError if that is not clear."""
    if args.project:
        return str(args.project)
    found = [project["slug"] for project in portal.projects()]
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise UsageError("You have no project yet. Create one: mlp projects --new NAME")
    raise UsageError(f"Say which project with -p; yours are {', '.join(found)}.")


def projects(args: argparse.Namespace, terminal: Terminal) -> None:
    """List them, or create one."""
    portal = terminal.portal()
    if args.new:
        made = portal.post("/projects/", {"name": args.new})
        return terminal.json(made) if args.json else terminal.say(f"Created the project {made['slug']}.")
    found = portal.projects()
    if args.json:
        return terminal.json(found)
    if not found:
        return terminal.say("You have no project yet. Create one: mlp projects --new NAME")
    return terminal.show(tables.projects(found))


def experiments(args: argparse.Namespace, terminal: Terminal) -> None:
    """List those of a project."""
    portal = terminal.portal()
    project = project_slug(portal, args)
    found = portal.experiments(project)
    if args.json:
        return terminal.json(found)
    if not found:
        return terminal.say(
            f"{project} has no experiment yet. Launch one: mlp launch example:digits -p {project}"
        )
    return terminal.show(tables.experiments(found))


def runs(args: argparse.Namespace, terminal: Terminal) -> None:
    """List them in the order asked for."""
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    found = portal.runs(experiment["id"], sort=args.sort, where=args.where, limit=args.limit)
    if args.json:
        return terminal.json(found)
    return terminal.show(
        tables.runs(found, shown_metrics(experiment, args.sort), experiment["objective"]["metric"])
    )


def shown_metrics(experiment: Json, sort: str) -> list[str]:
    """The metric that decides, and the one sorted by."""
    names = [experiment["objective"]["metric"]]
    key = sort.removeprefix("-")
    if key.startswith(METRIC):
        name = key.removeprefix(METRIC)
        names.append(re.sub(r"\.(min|max|last)$", "", name).strip('"'))
    return [name for name in dict.fromkeys(names) if name]


def show(args: argparse.Namespace, terminal: Terminal) -> None:
    """Show the run that was named, or else the experiment."""
    portal = terminal.portal()
    if places.run_number(args) is not None:
        run = places.find_run(portal, args)
        return terminal.json(run) if args.json else terminal.show(tables.run_page(run))
    experiment = places.find_experiment(portal, args.experiment)
    if args.json:
        return terminal.json(experiment)
    return terminal.show(tables.experiment_page(experiment, portal.runs(experiment["id"])))


def definition(args: argparse.Namespace, terminal: Terminal) -> None:
    """Print the file."""
    portal = terminal.portal()
    experiment = places.find_experiment(portal, args.experiment)
    terminal.write(portal.experiment_definition(experiment["id"]))


def checkpoints(args: argparse.Namespace, terminal: Terminal) -> None:
    """List them, newest first."""
    portal = terminal.portal()
    run = places.find_run(portal, args)
    found = portal.checkpoints(run["id"])
    if args.json:
        return terminal.json(found)
    if not found:
        return terminal.say(f"Run {run['number']} has no checkpoint.")
    return terminal.show(tables.checkpoints(found))
