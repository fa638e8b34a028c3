"""Ways to look at runs that people keep."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

MAX_NAME = 60
# Of a field as text, with what says which way it sorts.
MAX_FIELD = 300


class RunView(models.Model):
    """A query, an order, columns, groups and pins under a name: of the whole project, or of one person in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("accounts.Project", models.CASCADE, related_name="views")
    # Empty: everybody in the project sees it.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=MAX_NAME)
    where = models.CharField(max_length=2000, blank=True)
    sort = models.CharField(max_length=MAX_FIELD, blank=True)
    # Fields in the order of the table; empty: chosen by the page.
    columns = models.JSONField(default=list)
    differing = models.BooleanField(default=False)
    # What lines are instead of runs: "set", a parameter (`params.lr`), or empty; and the numbers of pinned runs.
    group = models.CharField(max_length=MAX_FIELD, blank=True)
    pinned = models.JSONField(default=list)
    # The experiment that these numbers are of; in others of the project they would name any run.
    pinned_of = models.UUIDField(null=True)
    # Shown where nothing else was asked for; a personal one goes before the project's.
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["project", "owner", "name"], nulls_distinct=False, name="run_view_name_unique"
            ),
            models.UniqueConstraint(
                fields=["project", "owner"],
                condition=Q(is_default=True),
                nulls_distinct=False,
                name="run_view_default_unique",
            ),
        )

    def __str__(self) -> str:
        return self.name
