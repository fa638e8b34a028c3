"""What defines an experiment, as options: the words of the REST API."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlplatform.cli import listing, values
from mlplatform.cli.client import Json
from mlplatform.cli.errors import UsageError

METHODS = ("list", "grid", "random", "tpe", "gp", "cmaes")
FILES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Option:
    """`--flag VALUE` that is sent as `field`. Without a metavar it takes no value."""

    flag: str
    field: str
    kind: Any
    metavar: str
    help: str


NAME = Option("--name", "name", str, "NAME", "name of the experiment")
DESCRIPTION = Option("--description", "description", str, "TEXT", "what it is about")
PARALLEL = Option("--max-parallel", "max_parallel", int, "N", "runs at a time")
RETRIES = Option("--max-retries", "max_retries", int, "N", "further tries for a run whose code fails")
HOURS = Option("--max-hours", "max_hours", float, "H", "hours that the experiment may be active")
TARGET = Option("--target", "target", float, "X", "stop when the metric that decides reaches this value")
PRIORITY = Option("--priority", "priority", str, "LEVEL", "what goes first: low, normal or high")
OPTIONS = (
    NAME,
    DESCRIPTION,
    Option("--entrypoint", "entrypoint", str, "FILE:FUNCTION", "the train function, as in train:train"),
    Option("--metric", "objective_metric", str, "NAME", "the metric that decides which run is best"),
    Option("--direction", "objective_direction", str, "DIRECTION", "maximize or minimize"),
    PARALLEL,
    RETRIES,
    HOURS,
    TARGET,
    PRIORITY,
    Option("--workers", "workers", int, "N", "workers of each run"),
    Option("--cpus", "cpus_per_worker", float, "N", "CPUs of each worker"),
    Option("--gpus", "gpus_per_worker", float, "N", "GPUs of each worker"),
    Option("--memory", "memory_per_worker", float, "GIB", "memory of each worker"),
    Option("--keep-last", "keep_last", int, "N", "newest checkpoints of a run that are kept"),
    Option("--keep-best", "keep_best", int, "N", "best checkpoints of a run that are kept"),
    Option("--keep-every", "keep_every", int, "N", "keep every n-th checkpoint too"),
    Option("--fresh-process", "fresh_process", bool, "", "new processes for every run"),
)


def add_definition(parser: argparse.ArgumentParser) -> None:
    """All options that define an experiment; what is left out comes from the code, or from what is cloned."""
    how = parser.add_argument_group("which runs")
    values.add_set(how)
    how.add_argument("--sets", dest="listing", metavar="FILE", help=listing.HELP)
    how.add_argument(
        "--search",
        metavar="METHOD|FILE",
        help=f"how sets are found: {', '.join(METHODS)}; or a file with `search` of experiment.yaml",
    )
    how.add_argument("--runs", metavar="N", type=int, help="sets that the search may try")
    how.add_argument("--repeat", metavar="N", type=int, help="runs of each set, with different seeds")
    how.add_argument("--seed", metavar="N", type=int, help="seed of the search")
    how.add_argument(
        "--pruner",
        metavar="METHOD",
        type=values.pruner,
        help="stop bad runs early: median, asha or hyperband; options as in asha:min_steps=2,reduction=4",
    )
    add_options(parser.add_argument_group("the experiment"), OPTIONS)


def add_options(parser: argparse._ActionsContainer, options: tuple[Option, ...]) -> None:
    """These options."""
    for option in options:
        if option.kind is bool:
            parser.add_argument(
                option.flag, dest=option.field, action="store_const", const=True, help=option.help
            )
        else:
            parser.add_argument(
                option.flag, dest=option.field, type=option.kind, metavar=option.metavar, help=option.help
            )


def given(args: argparse.Namespace, options: tuple[Option, ...]) -> Json:
    """What was said of these options, by field."""
    return {option.field: value for option in options if (value := getattr(args, option.field)) is not None}


def definition(args: argparse.Namespace, own: Mapping[str, Any] | None, *, one_run: bool) -> Json:
    """The fields to send. `own` is the search of the code or of the cloned experiment, which options change.

    `one_run`: if nothing says which runs, make one with the defaults. Raises UsageError for a contradiction.
    """
    fields = given(args, OPTIONS)
    settings = values.values(args.sets)
    rows = listing.sets_in(args.listing) if args.listing else []
    changes = {
        name: value
        for name in ("runs", "repeat", "seed", "pruner")
        if (value := getattr(args, name)) is not None
    }
    search = _base(args.search, own or {}, listed=bool(settings or rows))
    if _is_list(search) and "runs" in changes:
        raise UsageError("--runs says how many sets a search may try; add --search random or another method.")
    if _is_list(search) and (settings or rows):
        fields["runs"] = listed_sets(settings, rows)
    elif _is_list(search) and one_run:
        fields["runs"] = [{}]
    elif rows:
        fields["runs"] = rows
    if settings and not _is_list(search):
        search = {**search, "space": {**search.get("space", {}), **values.space(settings)}}
    if changes and _is_list(search):
        search = {"method": "list", **search}
    if args.search or settings or rows or changes:
        fields["search"] = {**search, **changes}
    return fields


def listed_sets(settings: values.Values, rows: list[Json]) -> list[Json]:
    """Each set of a file with each combination of the values. Raises UsageError if both name a parameter."""
    if twice := sorted({name for row in rows for name in row} & set(settings)):
        raise UsageError(f"{twice[0]} is in the file and set by --set; keep one of them.")
    return [{**row, **combination} for row in rows or [{}] for combination in values.grid(settings)]


def _base(wanted: str | None, own: Mapping[str, Any], *, listed: bool) -> Json:
    """The search that the other options change: the one asked for, none if values are listed, else the own one."""
    if wanted is None:
        return {} if listed else dict(own)
    if wanted == "list":
        return {name: own[name] for name in ("repeat", "seed", "pruner") if name in own} | {"method": wanted}
    if wanted in METHODS:
        return {**own, "method": wanted}
    path = Path(wanted)
    if path.suffix.lower() in FILES:
        return _from_file(path)
    raise UsageError(
        f"{wanted!r} is no way to search; choose one of {', '.join(METHODS)}, or name a .yaml or .json file."
    )


def _from_file(path: Path) -> Json:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("search"), dict):
        content = content["search"]
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no search; write a mapping with a method, runs and a space.")
    return content


def _is_list(search: Mapping[str, Any]) -> bool:
    return search.get("method") in (None, "list")
