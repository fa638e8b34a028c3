"""Requests that are answered once."""

from django.conf import settings
from django.db import models


class AnsweredRequest(models.Model):
    """A request that made something and what it was answered: the same one, sent again, makes nothing more.

    Written in the transaction that makes it. Kept for a day.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # SHA-256 of method, address and content.
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    # JSON over REST, the address of what was made for a form.
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="answered_request_unique"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.user}"
