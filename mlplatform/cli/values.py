"""Values of parameters as people type them: lr=0.1,0.01 lists, lr=1e-4..0.1 is a range for a search."""

import argparse
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlplatform.cli.client import Json
from mlplatform.cli.errors import UsageError

NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"(?P<min>{NUMBER})\.\.(?P<max>{NUMBER})(?::(?P<step>log|{NUMBER}))?")
DECLARED = ".."
MAX_SETS = 1000
HELP = (
    "a value; several, as in lr=0.1,0.01, make one run each, and multiply with those of other parameters. "
    "With --search: a value is fixed, several are choices, lr=1e-4..0.1 is a range "
    "(width=16..64:16 in steps, lr=1e-4..0.1:log on a log scale, lr=.. as declared). Repeat for each parameter"
)

# Parameter -> its values, or a range as `search.space` has it.
Values = dict[str, list[Any] | Json]


def add_set(parser: argparse._ActionsContainer, text: str = HELP) -> None:
    """The option --set."""
    parser.add_argument(
        "--set",
        dest="sets",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_setting,
        help=text,
    )


def values(settings: Sequence[tuple[str, list[Any] | Json]]) -> Values:
    """What all the --set say together. Raises UsageError if two contradict each other."""
    found: Values = {}
    for name, given in settings:
        before = found.get(name)
        if before is None:
            found[name] = given
        elif isinstance(before, list) and isinstance(given, list):
            found[name] = [*before, *given]
        else:
            raise UsageError(f"{name} is set twice, once to a range; keep one.")
    return found


def grid(given: Values) -> list[Json]:
    """Every combination, the last name varying fastest. Raises UsageError for a range or too many."""
    for name, each in given.items():
        if isinstance(each, dict):
            raise UsageError(
                f"{name} is a range, which only a search can try; add --search random, or list the values."
            )
    columns = [each for each in given.values() if isinstance(each, list)]
    if (count := math.prod(map(len, columns))) > MAX_SETS:
        raise UsageError(
            f"These are {count:,} combinations; at most {MAX_SETS:,} are listed. Use --search grid, or another."
        )
    return [dict(zip(given, combination, strict=True)) for combination in itertools.product(*columns)]


def space(given: Values) -> Json:
    """The same as `search.space`: one value is fixed, several are choices."""
    return {
        name: each[0] if isinstance(each, list) and len(each) == 1 else each for name, each in given.items()
    }


def pruner(text: str) -> Json:
    """Read asha or asha:min_steps=2,reduction=4, for argparse."""
    method, _, rest = text.partition(":")
    options: Json = {}
    for item in filter(None, rest.split(",")):
        name, equals, value = item.partition("=")
        if not equals or not re.fullmatch(NUMBER, value):
            raise argparse.ArgumentTypeError(f"{item!r} is no option of a pruner; write asha:min_steps=2")
        options[name] = _number(value)
    return {"method": method, **options}


def shown(params: Mapping[str, Any]) -> str:
    """A parameter set in one line."""
    return " ".join(f"{name}={_written(value)}" for name, value in params.items())


def _setting(text: str) -> tuple[str, list[Any] | Json]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(
            f"{text!r} sets nothing; write a name and a value, as in lr=0.1,0.01"
        )
    return name, _values(value)


def _values(text: str) -> list[Any] | Json:
    if text == DECLARED:
        return {}
    if found := RANGE.fullmatch(text):
        step = found["step"]
        extra: Json = {} if step is None else {"log": True} if step == "log" else {"step": _number(step)}
        return {"min": _number(found["min"]), "max": _number(found["max"]), **extra}
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a JSON list: {error}") from None
        if isinstance(listed, list) and listed:
            return listed
        raise argparse.ArgumentTypeError(f"{text!r} lists nothing")
    # Text: the portal knows the parameter's type, and reads it.
    return [part.strip() for part in text.split(",")]


def _number(text: str) -> float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
