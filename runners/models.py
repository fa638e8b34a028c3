"""Resources held at a backend (allocations) and who works on what in them (leases).

`owner_id` and `subject_id` are opaque here: this app never learns what an experiment or a run is.
"""

import uuid

from django.db import models
from django.db.models import Q

from runners.states import LIVE, AllocationState


class Allocation(models.Model):
    """One Ray job that holds workers and leases run after run until it is told to stop."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.UUIDField(db_index=True)
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
    end_reason = models.CharField(max_length=40, blank=True)
    end_detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    running_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    idle_since = models.DateTimeField(null=True)
    draining_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("created_at",)
        indexes = (
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
