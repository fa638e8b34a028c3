"""What the REST API tells about quotas and what is used of them."""

from datetime import datetime
from typing import TypedDict

from accounts.models import Quota
from experiments.selectors.quota_outlook import Bound
from experiments.selectors.quotas import Line, warnings


class QuotaJson(TypedDict):
    """A quota. Without project and user it is a default."""

    id: int
    scope: str
    project: str | None
    user: str | None
    backend: str | None
    resource: str
    unit: str
    soft: float | None
    hard: float | None
    changed_at: datetime


class LineJson(TypedDict):
    """How much of a resource is used, and what its quota says, if there is one."""

    scope: str
    holder: str
    backend: str | None
    resource: str
    unit: str
    used: float | None
    soft: float | None
    hard: float | None


class WarningJson(LineJson):
    """The same where it is near its end."""

    level: str


class BoundJson(WarningJson):
    """The same of what a launch would use."""

    words: str
    left: float | None


class UsageJson(TypedDict):
    """What is used of what, and what of that is near its end."""

    quotas: list[LineJson]
    warnings: list[WarningJson]


def quota_json(quota: Quota) -> QuotaJson:
    """A quota."""
    return {
        "id": quota.pk,
        "scope": quota.scope,
        "project": quota.project.slug if quota.project else None,
        "user": quota.user.username if quota.user else None,
        "backend": quota.backend or None,
        "resource": quota.resource,
        "unit": quota.get_resource_display(),
        "soft": quota.soft,
        "hard": quota.hard,
        "changed_at": quota.changed_at,
    }


def line_json(line: Line) -> LineJson:
    """What is used of a resource."""
    return {
        "scope": line.holder.scope,
        "holder": line.holder.words or f"backend {line.backend}",
        "backend": line.backend or None,
        "resource": line.resource,
        "unit": line.unit,
        "used": line.used,
        "soft": line.soft,
        "hard": line.hard,
    }


def warning_json(line: Line) -> WarningJson:
    """The same with how near its end it is."""
    return {**line_json(line), "level": line.level}


def bound_json(bound: Bound) -> BoundJson:
    """What a quota would say of a launch."""
    return {**line_json(bound.line), "level": bound.level, "words": bound.words, "left": bound.left}


def usage_json(lines: list[Line]) -> UsageJson:
    """All of somebody's."""
    return {
        "quotas": [line_json(line) for line in lines],
        "warnings": [warning_json(line) for line in warnings(lines)],
    }
