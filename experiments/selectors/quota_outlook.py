"""What would quotas say to an experiment? Asked before it is launched."""

from dataclasses import dataclass
from math import floor

from accounts.models import Project, Resource, User
from accounts.models.quota import MONTHLY
from experiments.definition import Definition
from experiments.selectors.quotas import Line, lines_for
from experiments.selectors.storage import GIB
from mlplatform.http.templatetags import binary_size, number
from mlplatform.kernel import clock
from runners.selectors.limits import CAPPED
from runners.selectors.usage import month_span

# Worst first: launching is refused; it can never start, or not this month; not all at once; people are warned.
REFUSED, NEVER, WAITS, WARNED, ROOM = "refused", "never", "waits", "warned", "room"
LEVELS = (REFUSED, NEVER, WAITS, WARNED, ROOM)


@dataclass(frozen=True)
class Bound:
    """What one quota says, and how much of it is left before the launch (None where nothing adds up)."""

    level: str
    words: str
    line: Line
    left: float | None


@dataclass(frozen=True)
class Asked:
    """What would be launched: `parallel` of the `runs` train at a time, each for so many seconds, if anybody knows."""

    definition: Definition
    backend: str
    runs: int
    parallel: int
    seconds_per_run: float | None


def quota_outlook(project: Project, user: User, asked: Asked) -> list[Bound]:
    """Every quota that applies, worst first. One query without any."""
    lines = [line for line in lines_for(project, user) if line.backend in ("", asked.backend)]
    bounds = [bound for line in lines if (bound := _bound(line, asked))]
    return sorted(bounds, key=lambda bound: (LEVELS.index(bound.level), _share_left(bound)))


def _share_left(bound: Bound) -> float:
    return 1.0 if bound.left is None or not bound.line.hard else bound.left / bound.line.hard


def _bound(line: Line, asked: Asked) -> Bound | None:
    level, words = _said(line, asked)
    return Bound(level, words, line, line.left) if words else None


def _said(line: Line, asked: Asked) -> tuple[str, str]:
    if line.resource in CAPPED:
        return _capped(line, asked)
    if line.resource in MONTHLY:
        return _monthly(line, asked)
    match line.resource:
        case Resource.QUEUED_RUNS:
            return _queued(line, asked.runs)
        case Resource.STORAGE:
            return _storage(line)
    return _size(line, asked.definition)


def _per_run(resource: str, definition: Definition) -> float:
    each = {
        Resource.CPUS: definition.cpus_per_worker,
        Resource.GPUS: definition.gpus_per_worker,
        Resource.MEMORY: definition.memory_per_worker,
        Resource.CPU_HOURS: definition.cpus_per_worker,
        Resource.GPU_HOURS: definition.gpus_per_worker,
        Resource.RUN_CPUS: definition.cpus_per_worker,
        Resource.RUN_GPUS: definition.gpus_per_worker,
    }
    return 1.0 if resource == Resource.RUNNING_RUNS else definition.workers * each[Resource(resource)]


def _capped(line: Line, asked: Asked) -> tuple[str, str]:
    amount, used, unit = _per_run(line.resource, asked.definition), line.used or 0.0, line.unit
    if not amount:
        return ROOM, ""
    if line.hard is None or line.left is None:
        return _soft(line, amount * asked.parallel)
    if amount > line.hard:
        return NEVER, (
            f"{_who(line)} may use {number(line.hard)} {unit} at a time and a run takes {number(amount)}: it can never "
            "start."
        )
    held = f"{_who(line)} uses {number(used)} of {number(line.hard)} {unit}"
    fit, whole = floor(line.left / amount + 1e-9), floor(line.hard / amount + 1e-9)
    if fit < asked.parallel:
        ever = f", {whole} at most" if whole < asked.parallel else ""
        return WAITS, f"{held}: {fit} of {asked.parallel} can train at a time now{ever}."
    return _soft(line, amount * asked.parallel, f"{held}; this takes {number(amount * asked.parallel)} more.")


def _monthly(line: Line, asked: Asked) -> tuple[str, str]:
    amount = _per_run(line.resource, asked.definition)
    if not amount:
        return ROOM, ""
    hours = line.unit.removesuffix(" a month")
    takes = None if asked.seconds_per_run is None else amount * asked.seconds_per_run * asked.runs / 3600
    if line.hard is None or line.left is None:
        return _soft(line, takes or 0.0)
    _, again = month_span(clock.month_of(clock.now()))
    if line.left <= 0:
        return (
            NEVER,
            f"{_who(line)} has used its {number(line.hard)} {hours}: nothing starts before {again:%-d %B}.",
        )
    left = f"{_who(line)} has {number(round(line.left, 2))} of {number(line.hard)} {hours} left this month"
    if takes is not None and takes > line.left:
        return (
            WAITS,
            f"{left}; this takes about {number(round(takes, 2))}, so the rest waits until {again:%-d %B}.",
        )
    about = "" if takes is None else f"; this takes about {number(round(takes, 2))}"
    return _soft(line, takes or 0.0, f"{left}{about}.")


def _queued(line: Line, runs: int) -> tuple[str, str]:
    if line.hard is None or line.left is None:
        return _soft(line, runs)
    has = f"{_who(line)} has {number(line.used)} of {number(line.hard)} queued runs"
    if runs > line.left:
        return REFUSED, f"{has}: {number(line.left)} more {'fits' if line.left == 1 else 'fit'}, not {runs}."
    return _soft(line, runs, f"{has}; this queues {runs} more.")


def _storage(line: Line) -> tuple[str, str]:
    used = binary_size((line.used or 0.0) * GIB)
    if line.hard is None:
        return _soft(line, 0.0)
    stores = f"{_who(line)} stores {used} of {binary_size(line.hard * GIB)}"
    if not line.left:
        return REFUSED, f"{stores}: nothing new may be launched until something is deleted."
    return _soft(line, 0.0, f"{stores}.")


def _size(line: Line, definition: Definition) -> tuple[str, str]:
    amount, whose = _per_run(line.resource, definition), line.holder.words
    unit = line.unit.removesuffix(" of one run")
    if line.hard is not None and amount > line.hard:
        words = f"A run of {whose} may take {number(line.hard)} {unit}; this one takes {number(amount)}."
        return REFUSED, words
    if line.soft is not None and amount > line.soft:
        return WARNED, f"A run of {number(amount)} {unit} is large for {whose}."
    return ROOM, ""


def _soft(line: Line, more: float, words: str = "") -> tuple[str, str]:
    """Nothing is in the way; people are warned if this takes them beyond the soft value."""
    after = (line.used or 0.0) + more
    if line.soft is not None and after > line.soft:
        warned = f"{words} " if words else f"{_who(line)}: "
        return (
            WARNED,
            f"{warned}{'Beyond' if words else 'beyond'} {number(line.soft)} {line.unit} people are warned.",
        )
    return ROOM, words


def _who(line: Line) -> str:
    words = line.holder.words or f"backend {line.backend}"
    if line.backend and line.holder.words:
        words = f"{words} at {line.backend}"
    return words[:1].upper() + words[1:]
