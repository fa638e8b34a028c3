"""What quotas refuse when somebody asks, and whom they warn. What waits is held back by admission instead.

Whoever changes what is counted calls these in the same transaction: they lock the project and the person first, so two
who ask at the same moment cannot have the last place both.
"""

from collections.abc import Callable, Collection

from accounts.errors import QuotaExceeded
from accounts.models import Project, Quota, QuotaScope, Resource, User
from experiments.definition import Definition
from experiments.models import Experiment
from experiments.selectors.quotas import Line, lines_for
from experiments.selectors.storage import GIB
from mlplatform.http.templatetags import binary_size, number
from mlplatform.kernel import locks

RAISE = "ask an administrator to raise the quota (Administration → Quotas)"
RUN_SIZES = {
    Resource.RUN_CPUS.value: ("cpus_per_worker", "CPUs"),
    Resource.RUN_GPUS.value: ("gpus_per_worker", "GPUs"),
}


def quotas_hold(project: Project, user: User) -> None:
    """Wait for others who are being counted for the same project or person; kept until the transaction ends."""
    locks.hold(f"quotas of project {project.pk}")
    locks.hold(f"quotas of user {user.pk}")


def check_size(project: Project, user: User, definition: Definition, backend: str) -> None:
    """Raise QuotaExceeded if one run would take more than a single run may."""
    for line in _of_backend(lines_for(project, user, RUN_SIZES), backend):
        field, unit = RUN_SIZES[line.resource]
        asked = definition.workers * getattr(definition, field)
        if line.hard is not None and asked > line.hard:
            raise _exceeded(
                line,
                f"A run of {line.holder.words} may take {number(line.hard)} {unit} at most; this one takes "
                f"{number(float(asked))} ({definition.workers} × {number(getattr(definition, field))}). "
                f"Ask for fewer, or {RAISE}.",
                asked,
                field,
            )


def check_queued(experiment: Experiment, added: int) -> None:
    """Raise QuotaExceeded if there are too many queued runs, now that so many were added."""
    project, user = experiment.project, experiment.created_by
    quotas_hold(project, user)
    if Quota.objects.filter(scope=QuotaScope.BACKEND, resource=Resource.QUEUED_RUNS).exists():
        locks.hold(f"quotas of backend {experiment.backend}")
    for line in _of_backend(lines_for(project, user, [Resource.QUEUED_RUNS]), experiment.backend):
        queued = int(line.used or 0)
        if line.hard is not None and queued > line.hard:
            room = max(int(line.hard) - (queued - added), 0)
            raise _exceeded(
                line,
                f"{_sentence(line)} may have {number(line.hard)} queued runs and has {queued - added}: {room} more "
                f"{'fits' if room == 1 else 'fit'}, not {added}. Queue fewer, wait until some have started, "
                f"or {RAISE}.",
                added,
                "runs",
            )


def check_storage(project: Project, user: User, *, field: str) -> None:
    """Raise QuotaExceeded if the storage is used up: nothing that would store more may begin."""
    quotas_hold(project, user)
    _check_storage(project, user, 0, field, lambda used, hard: used >= hard)


def check_stored(project: Project, user: User, *, more: int = 0) -> None:
    """Raise QuotaExceeded if there is too much code, now or with so many bytes more."""
    quotas_hold(project, user)
    _check_storage(project, user, more, "code", lambda used, hard: used + more / GIB > hard)


def _check_storage(
    project: Project, user: User, more: int, field: str, is_over: Callable[[float, float], bool]
) -> None:
    for line in lines_for(project, user, [Resource.STORAGE]):
        used, asked = line.used or 0.0, more / GIB
        if line.hard is not None and is_over(used, line.hard):
            raise _exceeded(
                line,
                f"{_sentence(line)} stores {_gib(used)} of at most {_gib(line.hard)}"
                f"{f'; {_gib(asked)} more do not fit' if more else ''}. Delete runs or experiments that nobody needs, "
                f"keep fewer checkpoints, or {RAISE}.",
                asked,
                field,
            )


def _of_backend(lines: Collection[Line], backend: str) -> list[Line]:
    return [line for line in lines if line.backend in ("", backend)]


def _sentence(line: Line) -> str:
    words = line.holder.words or f"backend {line.backend}"
    return (
        f"{words[:1].upper()}{words[1:]}{f' at {line.backend}' if line.backend and line.holder.words else ''}"
    )


def _gib(value: float) -> str:
    return binary_size(value * GIB)


def _exceeded(line: Line, message: str, asked: float, field: str) -> QuotaExceeded:
    return QuotaExceeded(
        message,
        field=field,
        resource=line.resource,
        scope=line.holder.scope,
        backend=line.backend,
        used=line.used,
        asked=asked,
        soft=line.soft,
        hard=line.hard,
    )
