"""How much people and projects may use."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.project import Project


class QuotaScope(models.TextChoices):
    """Whose use is counted."""

    PROJECT = "project", "Project"
    USER = "user", "Person, in all projects"
    MEMBER = "member", "Person in one project"
    BACKEND = "backend", "Everybody at a backend"


class Resource(models.TextChoices):
    """What is counted. The label is its unit."""

    CPUS = "cpus", "CPUs"
    GPUS = "gpus", "GPUs"
    MEMORY = "memory", "GiB of memory"
    RUNNING_RUNS = "running_runs", "running runs"
    QUEUED_RUNS = "queued_runs", "queued runs"
    CPU_HOURS = "cpu_hours", "CPU-hours a month"
    GPU_HOURS = "gpu_hours", "GPU-hours a month"
    STORAGE = "storage", "GiB of storage"
    RUN_CPUS = "run_cpus", "CPUs of one run"
    RUN_GPUS = "run_gpus", "GPUs of one run"


MONTHLY = frozenset({Resource.CPU_HOURS.value, Resource.GPU_HOURS.value})
# Of single runs: nothing is added up.
SIZES = frozenset({Resource.RUN_CPUS.value, Resource.RUN_GPUS.value})
WHOLE = frozenset({Resource.RUNNING_RUNS.value, Resource.QUEUED_RUNS.value})


class Quota(models.Model):
    """The limit of one resource for one scope.

    Without a person or a project it is the default of everybody of its scope (of a member: of each in the project). The
    one that names somebody goes before the default. Without a hard value there is no limit, whatever the default says.
    """

    scope = models.CharField(max_length=10, choices=QuotaScope)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="quotas",
        verbose_name="person",
    )
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="quotas")
    # Empty: at all backends together.
    backend = models.CharField(max_length=60, blank=True)
    resource = models.CharField(max_length=20, choices=Resource)
    # From here on people are warned; nothing more starts beyond the hard one.
    soft = models.FloatField(null=True, blank=True)
    hard = models.FloatField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("scope", "project__name", "user__username", "backend", "resource")
        constraints = (
            models.UniqueConstraint(
                fields=["scope", "user", "project", "backend", "resource"],
                nulls_distinct=False,
                name="quota_unique",
                violation_error_message="There is such a quota already; change that one instead.",
            ),
            models.CheckConstraint(
                condition=Q(scope="project", user=None)
                | Q(scope="user", project=None)
                | Q(scope="member", project__isnull=False)
                | (Q(scope="backend", user=None, project=None) & ~Q(backend="")),
                name="quota_scope_fits",
            ),
            models.CheckConstraint(
                condition=(Q(soft=None) | Q(soft__gte=0)) & (Q(hard=None) | Q(hard__gte=0)),
                name="quota_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(soft=None) | Q(hard=None) | Q(soft__lte=F("hard")), name="quota_soft_below_hard"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_resource_display()} of {self.holder}"

    @property
    def holder(self) -> str:
        """Whose it is, in words."""
        match self.scope:
            case QuotaScope.PROJECT:
                words = f"project {self.project.name}" if self.project else "every project"
            case QuotaScope.USER:
                words = self.user.username if self.user else "every person"
            case QuotaScope.MEMBER:
                who = self.user.username if self.user else "every person"
                words = f"{who} in project {self.project.name if self.project else '–'}"
            case _:
                return f"backend {self.backend}"
        return f"{words} at {self.backend}" if self.backend else words

    @property
    def key(self) -> str:
        """The same for whatever takes its place, should it be deleted: what its history is found by."""
        return f"{self.scope}:{self.project_id or ''}:{self.user_id or ''}:{self.backend}:{self.resource}"


class QuotaNotice(models.Model):
    """Somebody was told that a month's hours come to their end, or have; once for each level, month and limit."""

    key = models.CharField(max_length=200)
    level = models.CharField(max_length=4)
    # YYYYMM, in UTC.
    month = models.PositiveIntegerField()
    limit = models.FloatField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["key", "level", "month", "limit"], name="quota_notice_once"),
        )

    def __str__(self) -> str:
        return f"{self.level} {self.key} {self.month}"
