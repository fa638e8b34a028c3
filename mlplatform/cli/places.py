"""How experiments and runs are named on the command line."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from mlplatform.cli.client import Json, PortalClient
from mlplatform.cli.errors import UsageError

SLUG = r"[A-Za-z0-9_-]+"
NAMED = re.compile(rf"({SLUG})/({SLUG})(?:/(\d+))?")
# What the browser's address bar has: …/p/vision/e/mine/ or …/p/vision/e/mine/r/3/.
ADDRESS = re.compile(rf"https?://.*/p/({SLUG})/e/({SLUG})/(?:r/(\d+)/)?(?:[?#].*)?")


@dataclass(frozen=True)
class Place:
    """An experiment, by `project` and `slug` or by `id`; `number` if one of its runs was named with it."""

    project: str = ""
    slug: str = ""
    id: str = ""
    number: int | None = None


def place(text: str) -> Place:
    """Read what a person typed, for argparse."""
    if found := NAMED.fullmatch(text) or ADDRESS.fullmatch(text):
        project, slug, number = found.groups()
        return Place(project=project, slug=slug, number=int(number) if number else None)
    try:
        return Place(id=str(UUID(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} names no experiment; write project/experiment as in the page's address, or its id"
        ) from None


def numbers(text: str) -> list[int]:
    """Read one run number or a range such as 3-7, for argparse."""
    found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text)
    if not found or int(found[1]) < 1 or int(found[2] or found[1]) < int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no run; write a number from 1, or a range such as 3-7")
    return list(range(int(found[1]), int(found[2] or found[1]) + 1))


def number(text: str) -> int:
    """Read one run number, for argparse."""
    found = numbers(text)
    if len(found) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than one run")
    return found[0]


def whole(what: str, least: int) -> Callable[[str], int]:
    """Read a whole number from `least` on, for argparse."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 9 or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}; write a whole number from {least}")
        return int(text)

    return read


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """The argument EXPERIMENT."""
    parser.add_argument(
        "experiment", metavar="EXPERIMENT", type=place, help="project/experiment as in its address, or an id"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """The arguments EXPERIMENT and RUN, which may be one: project/experiment/number."""
    add_experiment(parser)
    parser.add_argument("run", metavar="RUN", nargs="?", type=number, help="number of the run")


def find_experiment(portal: PortalClient, named: Place) -> Json:
    """Ask the portal. Raises ClientError."""
    return portal.experiment(named.id) if named.id else portal.experiment_at(named.project, named.slug)


def run_number(args: argparse.Namespace) -> int | None:
    """The run that was named, in one way or the other."""
    given: int | None = args.run or args.experiment.number
    return given


def find_run(portal: PortalClient, args: argparse.Namespace) -> Json:
    """Ask the portal for the run of `add_run`. Raises ClientError, or UsageError if no run was named."""
    if (wanted := run_number(args)) is None:
        raise UsageError("Name the run too: project/experiment and its number.")
    return portal.run(str(find_experiment(portal, args.experiment)["id"]), wanted)


def label(experiment: Json) -> str:
    """How to name an experiment in the next command."""
    return f"{experiment['project']}/{experiment['slug']}"
