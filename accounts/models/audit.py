"""The audit trail."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models.project import Project


class AuditEvent(models.Model):
    """Who did what to which thing, and from where. Rows are only ever added: triggers see to that.

    A row outlives whom and what it is about: names are copies, and ids are kept though nothing may have them any more.
    The database itself puts a row into the chain when its transaction is committed (docs/invariants/audit.md).
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    actor_name = models.CharField(max_length=150, blank=True)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    project_slug = models.CharField(max_length=100, blank=True)
    verb = models.CharField(max_length=60)
    target = models.CharField(max_length=200)
    address = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    position = models.BigIntegerField(null=True, unique=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["project", "id"], name="audit_project"),
            models.Index(fields=["actor_name", "id"], name="audit_actor_name"),
            models.Index(fields=["verb", "id"], name="audit_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name or 'system'} {self.verb} {self.target}"
