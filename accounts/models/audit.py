"""The audit trail."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models.project import Project


class AuditEvent(models.Model):
    """Who did what to which thing. Rows are only ever added."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    project = models.ForeignKey(Project, models.SET_NULL, null=True, related_name="+")
    verb = models.CharField(max_length=60)
    target = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.actor or 'system'} {self.verb} {self.target}"
