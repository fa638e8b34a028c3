"""What is stored: bytes of code, checkpoints, models and logs, as rows tell. The same code counts once per project."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Func, Q, QuerySet, Sum

from accounts.models import Project, Resource, User
from accounts.selectors.quotas import Use
from experiments.models import Bundle, Checkpoint, LogChunk, TrackingSync

GIB = 2**30


@dataclass
class Stored:
    """Bytes; `bundles` are the files that code is in."""

    bundles: int = 0
    code: int = 0
    checkpoints: int = 0
    models: int = 0
    logs: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.code + self.checkpoints + self.models + self.logs


class _Length(Func):
    function = "octet_length"
    output_field = BigIntegerField()


def stored_by(only: tuple[Collection[UUID], User | None] | None = None) -> dict[tuple[UUID, int], Stored]:
    """By project and person: of what is in some projects, or was launched by a person. Four queries."""
    found: dict[tuple[UUID, int], Stored] = defaultdict(Stored)
    who = ("run__experiment__project", "run__experiment__created_by")
    of_run = _either(only, *who)
    columns: tuple[tuple[str, QuerySet[Any], Any], ...] = (
        ("checkpoints", Checkpoint.objects.filter(of_run, size__isnull=False), "size"),
        ("models", TrackingSync.objects.filter(of_run, model_size__isnull=False), "model_size"),
        ("logs", LogChunk.objects.filter(of_run), _Length("content")),
    )
    for kind, rows, size in columns:
        sums: Any = rows.order_by().values_list(*who).annotate(bytes=Sum(size))
        for where, person, total in sums:
            setattr(found[where, person], kind, int(total))
    code = Bundle.objects.filter(_either(only, "project", "created_by")).order_by("created_at")
    seen = set()
    for where, person, digest, length in code.values_list("project", "created_by", "sha256", "size"):
        if (where, digest) not in seen:
            seen.add((where, digest))
            found[where, person].code += length
            found[where, person].bundles += 1
    return dict(found)


def stored_in(project: Project) -> Stored:
    """Of everybody in the project together."""
    together = Stored()
    for part in stored_by(([project.pk], None)).values():
        for field in fields(Stored):
            setattr(together, field.name, getattr(together, field.name) + getattr(part, field.name))
    return together


def storage_uses(stored: Mapping[tuple[UUID, int], Stored]) -> list[Use]:
    """The same in GiB, as quotas count."""
    return [
        Use(project, user, "", {Resource.STORAGE: each.total / GIB})
        for (project, user), each in stored.items()
    ]


def _either(only: tuple[Collection[UUID], User | None] | None, project_field: str, user_field: str) -> Q:
    if only is None:
        return Q()
    projects, user = only
    wanted = Q(**{f"{project_field}__in": list(projects)})
    return wanted | Q(**{user_field: user}) if user else wanted
