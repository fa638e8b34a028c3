"""What the portal answers, as tables that fit into 80 columns."""

from collections.abc import Collection, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlplatform.cli.client import Json
from mlplatform.cli.places import label
from mlplatform.cli.values import shown
from mlplatform.cli.words import COLOURS, NONE, count, last, plain, span, value, when

RIGHT = ("run", "runs", "done", "failed", "time", "step", "attempt", "last", "min", "max", "steps")


def table(*headings: str, right: Collection[str] = RIGHT) -> Table:
    """An empty table; long words are folded, never cut."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made


def row(made: Table, *cells: Any) -> None:
    """Add a row of what other people may have named."""
    made.add_row(*(cell if isinstance(cell, Text) else Text(plain(str(cell))) for cell in cells))


def state(name: str) -> Text:
    """A state in its colour."""
    return Text(name, style=COLOURS.get(name, ""))


def projects(found: Sequence[Json]) -> Table:
    """`mlp projects`."""
    made = table("project", "name", "description")
    for project in found:
        row(made, project["slug"], project["name"], project["description"])
    return made


def experiments(found: Sequence[Json]) -> Table:
    """`mlp experiments`."""
    made = table("experiment", "state", "runs", "done", "failed", "created")
    for experiment in found:
        runs = experiment["runs"]
        row(
            made,
            label(experiment),
            _standing(experiment),
            runs["total"],
            runs["completed"],
            runs["failed"],
            when(experiment["created_at"]),
        )
    return made


def _standing(experiment: Json) -> Text:
    """Its state, and its place in the line if its job waits there."""
    in_line = experiment.get("queue")
    place = f", {in_line['place']} in line" if in_line and in_line["place"] else ""
    return state(experiment["state"]).append(place)


def runs(found: Sequence[Json], metrics: Sequence[str], objective: str = "") -> Table:
    """`mlp runs`: the parameters in which the runs differ, and the last value of the metrics asked for.

    Of the objective the best value is shown, by which the portal sorts and chooses.
    """
    headings = [f"{metric} (best)" if metric == objective else metric for metric in metrics]
    made = table("run", "state", "parameters", *headings, "time", right=(*RIGHT, *headings))
    names = differing(found)
    for run in found:
        params = {name: run["params"][name] for name in names if name in run["params"]}
        row(
            made,
            run["number"],
            state(run["state"]),
            shown(params) or NONE,
            *(value(run["objective"]) if metric == objective else last(run, metric) for metric in metrics),
            span(run["seconds"]),
        )
    return made


def tokens(found: Sequence[Json]) -> Table:
    """`mlp token ls`."""
    made = table("id", "name", "begins", "scope", "project", "expires", "last used", right=("id",))
    for token in found:
        used = when(token["last_used_at"])
        if token["last_used_from"]:
            used += f" from {token['last_used_from']}"
        expires = when(token["expires_at"]) if token["expires_at"] else Text("never", style="yellow")
        project = token["project"] or NONE
        row(made, token["id"], token["name"], token["prefix"], token["scope"], project, expires, used)
    return made


def differing(found: Sequence[Json]) -> list[str]:
    """Parameters that do not have one value in all runs; all of them, if there is nothing to compare."""
    names = list(dict.fromkeys(name for run in found for name in run["params"]))
    if len(found) < 2:
        return names
    return [
        name
        for name in names
        if any(run["params"].get(name) != found[0]["params"].get(name) for run in found)
    ]


def checkpoints(found: Sequence[Json]) -> Table:
    """`mlp checkpoints`."""
    made = table("step", "attempt", "metrics", "created")
    for checkpoint in found:
        metrics = " ".join(f"{name}={value(number)}" for name, number in checkpoint["metrics"].items())
        row(made, checkpoint["step"], checkpoint["attempt"], metrics or NONE, when(checkpoint["created_at"]))
    return made


def experiment_page(experiment: Json, found: Sequence[Json]) -> RenderableType:
    """`mlp show EXPERIMENT`."""
    objective, resources, budget = (experiment[key] for key in ("objective", "resources", "budget"))
    states = [run["state"] for run in found]
    lines = {
        "name": experiment["name"],
        "description": experiment["description"],
        "state": state(experiment["state"]),
        "runs": ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states)) or "none yet",
        "search": search_words(experiment["search"]),
        "metric": f"{objective['metric']}, {objective['direction']}" if objective["metric"] else "",
        "code": experiment["entrypoint"],
        "resources": resource_words(resources) + f"; {experiment['max_parallel']} at a time",
        "priority": experiment["priority"],
        "budget": ", ".join(
            words
            for words in (
                f"{budget['max_hours']:g} h" if budget["max_hours"] else "",
                f"until {objective['metric']} reaches {budget['target']:g}"
                if budget["target"] is not None
                else "",
            )
            if words
        ),
        "created": when(experiment["created_at"]),
        "ended": when(experiment["ended_at"]) if experiment["ended_at"] else "",
        "page": experiment["url"],
    }
    return facts(lines)


def _waiting(run: Json) -> str:
    """Why, and until when about."""
    wait = run.get("wait")
    return " ".join(filter(None, (run["waiting_reason"], wait["words"] if wait else "")))


def run_page(run: Json) -> RenderableType:
    """`mlp show EXPERIMENT RUN`."""
    progress = "" if run["progress"] is None else f"{run['progress']:.0%}"
    if run["eta_seconds"] is not None:
        progress += f", {span(run['eta_seconds'])} left"
    cause = run["cause"]
    lines = {
        "run": run["number"],
        "state": state(run["state"]),
        "waiting": _waiting(run),
        "progress": progress,
        "parameters": shown(run["params"]),
        "seed": "" if run["seed"] is None else run["seed"],
        "attempts": run["attempts"],
        "time": span(run["seconds"]),
        "cause": cause["message"] if cause else "",
        "page": run["url"],
    }
    parts: list[RenderableType] = [facts(lines)]
    if run["metrics"]:
        metrics = table("metric", "last", "min", "max", "steps")
        for name, metric in run["metrics"].items():
            numbers = (value(metric[key]) for key in ("last", "min", "max"))
            row(metrics, name, *numbers, metric["count"])
        parts += ["", metrics]
    if cause and cause["traceback"]:
        parts += ["", Text(plain(cause["traceback"]))]
    return Group(*parts)


def preview_page(preview: Json) -> RenderableType:
    """`mlp launch --preview`."""
    sets, total = preview["sets"], preview["runs"]
    said = "As many runs as the budget allows" if total is None else count(total, "run")
    if sets is not None and sets != total:
        said += f" ({count(sets, 'set')} × {total // sets})"
    if preview["seconds"] is not None:
        said += f", about {span(preview['seconds'])}"
    first = table("first", "parameters", right=("first",))
    for position, params in enumerate(preview["first"], 1):
        row(first, position, shown(params))
    parts: list[RenderableType] = [f"{said}. Nothing was launched."]
    if preview["now"] < preview["together"]:
        parts.append(f"{preview['now']} of {preview['together']} would start at once. {preview['waits']}")
    parts += ["", first]
    if preview["rungs"]:
        rungs = ", ".join(f"{rung['runs']} at step {rung['step']}" for rung in preview["rungs"])
        parts += ["", f"Runs that go on: {rungs}."]
    return Group(*parts)


def facts(lines: dict[str, Any]) -> Table:
    """Names and what is known of them; nothing of what is empty."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, content in lines.items():
        if content or content == 0:
            row(made, name, content)
    return made


def search_words(search: Json | None) -> str:
    """How sets are found, in short."""
    if not search:
        return "sets listed by people"
    words = [search["method"]]
    if search.get("runs"):
        words.append(f"{search['runs']} sets")
    if search.get("repeat", 1) > 1:
        words.append(f"{search['repeat']} runs each")
    if pruner := search.get("pruner"):
        words.append(f"pruner {pruner['method']}")
    return ", ".join(words)


def resource_words(resources: Json) -> str:
    """What each run gets."""
    per_worker = [f"{resources['cpus_per_worker']:g} CPU"]
    if resources["gpus_per_worker"]:
        per_worker.append(f"{resources['gpus_per_worker']:g} GPU")
    if resources["memory_per_worker"]:
        per_worker.append(f"{resources['memory_per_worker']:g} GiB")
    return f"{count(resources['workers'], 'worker')} × {' + '.join(per_worker)}"
