"""Telling people that a month's hours come to their end: once at the soft value, once at the hard one."""

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Project, QuotaNotice, User
from accounts.models.quota import MONTHLY
from accounts.selectors.quotas import BACKENDS, Applied, Holder, Tally, holder_of, quotas_applied
from experiments.models import Experiment, RunEvent
from experiments.services.lifecycle import experiment_changed
from experiments.states import EXPERIMENT_OPEN
from mlplatform.http.templatetags import number
from mlplatform.kernel import clock
from runners.selectors.limits import HOURS, used_up
from runners.selectors.usage import hours_in

SOFT = "quota_warning"
HARD = "quota_reached"
LEVELS = {SOFT: "soft", HARD: "hard"}
MAX_WORDS = 500


def quotas_warn() -> int:
    """Note in the events of open experiments which limits were reached since the last time. Returns how many were."""
    experiments = Experiment.objects.filter(state__in=EXPERIMENT_OPEN).select_related("project", "created_by")
    pairs = {(each.project, each.created_by) for each in experiments}
    limits = quotas_applied(_holders(pairs), MONTHLY)
    if not limits:
        return 0
    month = clock.month_of(clock.now())
    tally = Tally(hours_in(month))
    return sum(_warn(one, tally.of(one.key, one.resource), month) for one in limits)


def _warn(one: Applied, used: float, month: int) -> bool:
    if one.hard is not None and used >= one.hard:
        words = f"{used_up(one, clock.now())} What trains now finishes, nothing else starts."
        return _tell(one, month, one.hard, HARD, words)
    if one.soft is not None and used >= one.soft:
        limit = f" At {number(one.hard)} nothing more starts." if one.hard is not None else ""
        words = (
            f"{one.words[:1].upper()}{one.words[1:]} has used {number(round(used, 2))} {HOURS[one.resource]} this "
            f"month, more than the {number(one.soft)} from which on you are warned.{limit}"
        )
        return _tell(one, month, one.soft, SOFT, words)
    return False


@transaction.atomic
def _tell(one: Applied, month: int, limit: float, kind: str, words: str) -> bool:
    scope, project, user, backend = one.key
    key = f"{scope}:{project or ''}:{user or ''}:{backend}:{one.resource}"
    _, is_new = QuotaNotice.objects.get_or_create(key=key, level=LEVELS[kind], month=month, limit=limit)
    if is_new:
        concerned = list(_experiments(one))
        RunEvent.objects.bulk_create(
            RunEvent(experiment=each, kind=kind, message=words[:MAX_WORDS]) for each in concerned
        )
        for each in concerned:
            experiment_changed(each)
    return is_new


def _experiments(one: Applied) -> "QuerySet[Experiment]":
    rows = Experiment.objects.filter(state__in=EXPERIMENT_OPEN)
    if one.holder.project_id:
        rows = rows.filter(project=one.holder.project_id)
    if one.holder.user_id:
        rows = rows.filter(created_by=one.holder.user_id)
    return rows.filter(backend=one.backend) if one.backend else rows


def _holders(pairs: set[tuple[Project, User]]) -> list[Holder]:
    found = dict.fromkeys(holder_of(project) for project, _ in pairs)
    found |= dict.fromkeys(holder_of(user=user) for _, user in pairs)
    found |= dict.fromkeys(holder_of(project, user) for project, user in pairs)
    return [BACKENDS, *found]
