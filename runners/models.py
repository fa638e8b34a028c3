"""Resources held at a backend (allocations) and who works on what in them (leases).

`owner_id` and `subject_id` are opaque here: this app never learns what an experiment or a run is.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from runners.states import LIVE, AllocationState


class Allocation(models.Model):
    """One Ray job that holds workers and leases run after run until it is told to stop."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.UUIDField(db_index=True)
    # Whose share and whose quotas it counts for; empty for what is older than they are, and once they are deleted.
    project = models.ForeignKey("accounts.Project", models.SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    # A higher one goes first.
    priority = models.SmallIntegerField(default=0)
    # May be told to stop at a checkpoint for somebody of higher priority.
    preemptible = models.BooleanField(default=False)
    backend = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=AllocationState, default=AllocationState.WAITING)
    workers = models.PositiveIntegerField()
    cpus_per_worker = models.FloatField()
    gpus_per_worker = models.FloatField()
    # GiB; 0 claims none.
    memory_per_worker = models.FloatField(default=0)
    # pip requirements of the code.
    requirements = models.JSONField(default=list)
    package_key = models.CharField(max_length=200)
    fresh_process = models.BooleanField(default=False)
    group_id = models.CharField(max_length=64, blank=True)
    environment = models.JSONField(default=dict)
    waiting_reason = models.CharField(max_length=300, blank=True)
    # Its place in the backend's line and when it probably starts: as likely sooner as later, and nine times in ten
    # not after that. Empty: nobody knows. `freed_by` is the allocation that it will probably get its place from.
    place = models.PositiveIntegerField(null=True)
    starts_at = models.DateTimeField(null=True)
    starts_by = models.DateTimeField(null=True)
    freed_by = models.UUIDField(null=True)
    end_reason = models.CharField(max_length=40, blank=True)
    end_detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # It has its place from then on, though the backend may not have heard of it yet.
    admitted_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    running_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    idle_since = models.DateTimeField(null=True)
    draining_at = models.DateTimeField(null=True)
    # What it works on is to stop at its next checkpoint, for somebody else.
    preempted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # What it held until then is in the ledger (UsageSlice); whether that is all of it.
    metered_until = models.DateTimeField(null=True)
    is_metered = models.BooleanField(default=False)

    class Meta:
        ordering = ("created_at",)
        indexes = (
            models.Index(
                fields=["submitted_at"],
                condition=Q(is_metered=False, submitted_at__isnull=False),
                name="allocation_unmetered",
            ),
            models.Index(fields=["state"], condition=Q(state__in=sorted(LIVE)), name="allocation_live"),
        )

    def __str__(self) -> str:
        return f"allocation {self.id} ({self.state})"

    @property
    def submission_id(self) -> str:
        """Name at the backend; the same whenever it is submitted again."""
        return f"mlp-{self.id}"

    @property
    def cpus(self) -> float:
        """CPUs of all workers together."""
        return self.workers * self.cpus_per_worker

    @property
    def gpus(self) -> float:
        """GPUs of all workers together."""
        return self.workers * self.gpus_per_worker

    @property
    def memory(self) -> float:
        """GiB of all workers together."""
        return self.workers * self.memory_per_worker


class WorkerGroup(models.Model):
    """A worker group that has asked an allocation for work. The one that came last is alive; its name is there too."""

    allocation = models.ForeignKey(Allocation, models.CASCADE, related_name="groups")
    name = models.CharField(max_length=64)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["allocation", "name"], name="worker_group_joins_once"),
        )

    def __str__(self) -> str:
        return f"group {self.name} of {self.allocation_id}"


class Lease(models.Model):
    """The right of one allocation to work on one subject until `expires_at`. The id is the fencing token."""

    id = models.BigAutoField(primary_key=True)
    allocation = models.ForeignKey(Allocation, models.CASCADE, related_name="leases")
    subject_id = models.UUIDField()
    attempt = models.PositiveIntegerField()
    group_id = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(max_length=40, blank=True)
    # The backend's own words about it, if it has any.
    release_detail = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["subject_id"],
                condition=Q(released_at__isnull=True),
                name="lease_one_active_per_subject",
            ),
        )
        indexes = (
            models.Index(fields=["allocation"], condition=Q(released_at__isnull=True), name="lease_active"),
        )

    def __str__(self) -> str:
        return f"lease {self.id} on {self.subject_id}"


class UsageSlice(models.Model):
    """What an allocation held during a part of one day (UTC). Rows are only ever added: the database refuses the rest.

    Names and ids are copies, so that the rows outlive whatever they are about. docs/invariants/usage.md.
    """

    allocation_id = models.UUIDField()
    owner_id = models.UUIDField()
    project_id = models.UUIDField(null=True)
    project_name = models.CharField(max_length=100, blank=True)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150, blank=True)
    backend = models.CharField(max_length=60)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    # YYYYMM, in UTC.
    month = models.PositiveIntegerField()
    cpus = models.FloatField()
    gpus = models.FloatField()
    # GiB.
    memory = models.FloatField()

    class Meta:
        verbose_name_plural = "usage ledger"
        ordering = ("begun_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["allocation_id", "begun_at"], name="usage_slice_once"),
            models.CheckConstraint(condition=Q(ended_at__gt=F("begun_at")), name="usage_slice_forward"),
        )
        indexes = (
            models.Index(fields=["month", "project_id"], name="usage_slice_project"),
            models.Index(fields=["month", "user_id"], name="usage_slice_user"),
        )

    def __str__(self) -> str:
        return (
            f"{self.cpus:g} CPUs from {self.begun_at:%Y-%m-%d %H:%M:%S} to {self.ended_at:%Y-%m-%d %H:%M:%S}"
        )

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.ended_at - self.begun_at).total_seconds()
