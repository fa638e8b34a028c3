"""What an experiment would do, as the page shows it before launch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.definition import Definition
from experiments.search.parameters import Parameter
from experiments.selectors.quota_outlook import NEVER, REFUSED, WAITS
from experiments.services.preview import Preview
from experiments.web.words import counted
from mlplatform.http.templatetags import number
from runners.selectors.outlook import Outlook

HOLDING_BACK = frozenset({REFUSED, NEVER, WAITS})


@dataclass(frozen=True)
class PreviewShown:
    """`shared` are the parameters that are the same in every set that is shown; the table has the others.

    `room` says whether it fits now, unless a quota holds it back; `starts` is a word for how much of what may run at a
    time starts at once.
    """

    headline: str
    each: str
    room: str
    starts: str
    preview: Preview
    names: list[str]
    shared: list[tuple[str, Any]]
    rows: list[list[Any]]
    left: int


def preview_shown(
    preview: Preview, parameters: Mapping[str, Parameter], definition: Definition
) -> PreviewShown:
    """Counts in words, and the first sets as a table of what differs."""
    used = [name for name in parameters if any(name in params for params in preview.first)]
    columns = {name: [params.get(name) for params in preview.first] for name in used}
    varying = [name for name in used if any(value != columns[name][0] for value in columns[name])]
    wanted = min(definition.max_parallel, preview.runs)
    outlook = preview.outlook
    # What a quota keeps from starting does not start, whatever room there is.
    is_held = any(bound.level in HOLDING_BACK for bound in preview.quotas)
    starts = "all" if outlook.now == min(wanted, outlook.together) else "some" if outlook.now else "none"
    return PreviewShown(
        headline=_headline(preview, definition.search.get("repeat", 1)),
        each=_each(definition),
        room="" if is_held else room_words(outlook, wanted=wanted, runs=preview.runs),
        starts=starts,
        preview=preview,
        names=varying,
        shared=[(name, columns[name][0]) for name in used if name not in varying],
        rows=[[params.get(name) for name in varying] for params in preview.first],
        left=preview.sets - len(preview.first),
    )


def room_words(outlook: Outlook, *, wanted: int, runs: int) -> str:
    """Whether it fits now: `wanted` of the `runs` may train at a time."""
    together = min(wanted, outlook.together)
    limit = f"The backend fits {together} at a time. " if together < wanted else ""
    if outlook.now == together:
        if runs == 1:
            return "Starts at once."
        rest = "" if together == runs else ", the others as these end"
        count = "All" if together == runs else f"{together}"
        return f"{limit}{count} {'starts' if together == 1 else 'start'} at once{rest}."
    free = f"{outlook.now} of {together}" if together > 1 else "None"
    ahead = (
        f" {counted(outlook.ahead, 'earlier request')} wait{'s' * (outlook.ahead == 1)} before it."
        * bool(outlook.ahead)
    )
    what = "It starts" if runs == 1 else "The rest starts" if outlook.now else "They start"
    return f"{limit}{free} free now: {outlook.reason[:1].lower()}{outlook.reason[1:]}{ahead} {what} when there is room."


def _headline(preview: Preview, repeat: int) -> str:
    runs = counted(preview.runs, "run")
    return f"{counted(preview.sets, 'set')} × {repeat} seeds = {runs}" if repeat > 1 else runs


def _each(definition: Definition) -> str:
    """What one run takes."""
    parts = [
        (definition.workers * definition.cpus_per_worker, "CPU", "CPUs"),
        (definition.workers * definition.gpus_per_worker, "GPU", "GPUs"),
        (definition.workers * definition.memory_per_worker, "GiB", "GiB"),
    ]
    return " + ".join(
        f"{number(amount)} {one if amount == 1 else many}" for amount, one, many in parts if amount
    )
