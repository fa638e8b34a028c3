"""Setting quotas. Only administrators do; every change is in the audit trail with what was before."""

import math
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Project, Quota, QuotaScope, Resource, User
from accounts.models.quota import WHOLE
from accounts.permissions import is_site_admin
from accounts.services.audit import audit
from mlplatform.kernel import locks
from mlplatform.kernel.errors import Forbidden, InvalidInput

LARGEST = 1e12


@transaction.atomic
def quota_set(
    *,
    actor: User,
    scope: str,
    resource: str,
    project: Project | None = None,
    user: User | None = None,
    backend: str = "",
    soft: float | None = None,
    hard: float | None = None,
) -> Quota:
    """Make it, or change the one that is there. Raises Forbidden and InvalidInput."""
    _require_admin(actor)
    wanted = Quota(
        scope=scope, resource=resource, project=project, user=user, backend=backend, soft=soft, hard=hard
    )
    quota_check(wanted)
    locks.hold(f"quota {wanted.key}")
    found = Quota.objects.filter(
        scope=scope, resource=resource, project=project, user=user, backend=backend
    ).first()
    before = _values(found) if found else None
    quota = found or wanted
    quota.soft, quota.hard = soft, hard
    if before != _values(quota):
        quota.save()
        _note(actor, "quota.set", quota, before, _values(quota))
    return quota


@transaction.atomic
def quota_clear(*, actor: User, quota: Quota) -> None:
    """Take it away; the default applies again, if there is one."""
    _require_admin(actor)
    locks.hold(f"quota {quota.key}")
    found = Quota.objects.filter(pk=quota.pk).first()
    if found:
        _note(actor, "quota.clear", found, _values(found), None)
        found.delete()


@transaction.atomic
def quotas_raise(*, actor: User, quotas: Iterable[Quota], percent: float) -> int:
    """Raise both values of each by so many per cent; negative lowers. Whole numbers stay whole. Returns how many."""
    _require_admin(actor)
    if not math.isfinite(percent) or not -100 < percent <= 10_000:
        raise InvalidInput(
            f"{percent:g} % is no change that can be made; give a number above -100 and up to 10000.",
            field="percent",
        )
    count = 0
    for quota in quotas:
        soft, hard = (_raised(value, percent, quota) for value in (quota.soft, quota.hard))
        if (soft, hard) != (quota.soft, quota.hard):
            quota_set(actor=actor, soft=soft, hard=hard, **_place(quota))
            count += 1
    return count


def quota_check(quota: Quota) -> None:
    """Raise InvalidInput, with the field, for whatever makes no sense."""
    if quota.scope not in QuotaScope.values:
        raise InvalidInput(f"{quota.scope!r} is no scope; use {', '.join(QuotaScope.values)}.", field="scope")
    if quota.resource not in Resource.values:
        words = f"{quota.resource!r} is no resource; use one of {', '.join(Resource.values)}."
        raise InvalidInput(words, field="resource")
    _check_holder(quota)
    for name, value in _values(quota).items():
        _check_value(quota, name, value)
    if quota.soft is not None and quota.hard is not None and quota.soft > quota.hard:
        raise InvalidInput(
            f"The soft value {quota.soft:g} is above the hard value {quota.hard:g}, so nobody would ever be warned; "
            "lower the soft value or raise the hard one.",
            field="soft",
        )


def _check_holder(quota: Quota) -> None:
    scope = QuotaScope(quota.scope)
    if quota.backend and quota.backend not in settings.BACKENDS:
        raise InvalidInput(
            f"There is no backend {quota.backend!r}; configured are {', '.join(settings.BACKENDS)}.",
            field="backend",
        )
    if scope == QuotaScope.BACKEND and not quota.backend:
        raise InvalidInput("A quota of everybody at a backend needs a backend; name one.", field="backend")
    if scope == QuotaScope.MEMBER and not quota.project_id:
        raise InvalidInput("A quota of a person in a project needs the project; name one.", field="project")
    if quota.user_id and scope not in (QuotaScope.USER, QuotaScope.MEMBER):
        raise InvalidInput(
            f"A quota of a {scope} has no person; leave it out, or choose the scope user or member.",
            field="user",
        )
    if quota.project_id and scope not in (QuotaScope.PROJECT, QuotaScope.MEMBER):
        raise InvalidInput(
            f"A quota of a {scope} has no project; leave it out, or choose the scope project or member.",
            field="project",
        )
    if quota.resource == Resource.STORAGE and quota.backend:
        raise InvalidInput(
            "All backends share one storage; leave the backend out for a quota of storage.", field="backend"
        )


def _check_value(quota: Quota, name: str, value: float | None) -> None:
    if value is None:
        return
    if not math.isfinite(value) or not 0 <= value <= LARGEST:
        raise InvalidInput(
            f"The {name} value is {value:g}; give 0 to {LARGEST:g}, or nothing for no limit.", field=name
        )
    if quota.resource in WHOLE and value != int(value):
        words = f"The {name} value is {value:g}; runs are counted in whole numbers."
        raise InvalidInput(words, field=name)


def _require_admin(actor: User) -> None:
    if not is_site_admin(actor):
        raise Forbidden("Only administrators set quotas; ask one of them.")


def _values(quota: Quota) -> dict[str, float | None]:
    return {"soft": quota.soft, "hard": quota.hard}


def _place(quota: Quota) -> dict[str, Any]:
    return {name: getattr(quota, name) for name in ("scope", "resource", "project", "user", "backend")}


def _raised(value: float | None, percent: float, quota: Quota) -> float | None:
    if value is None:
        return None
    raised = value * (1 + percent / 100)
    return (
        float(math.ceil(raised) if percent > 0 else math.floor(raised)) if quota.resource in WHOLE else raised
    )


def _note(actor: User, verb: str, quota: Quota, before: Any, after: Any) -> None:
    audit(actor, verb, quota, project=quota.project, key=quota.key, before=before, after=after)
