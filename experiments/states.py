"""States of runs and experiments, and the moves between them."""

from django.db.models import TextChoices


class RunState(TextChoices):
    """Life of a run."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    PRUNED = "pruned"


RUN_TERMINAL = frozenset({"completed", "failed", "canceled", "pruned"})
# Trained as far as they were to: how long they took says how long others take.
RUN_TRAINED = ("completed", "pruned")
RUN_LEASED = frozenset({"starting", "running"})
# In this order PostgreSQL knows it as the condition of the index on open runs.
RUN_OPEN = ("queued", "starting", "running")

RUN_MOVES = {
    "queued": frozenset({"starting", "canceled", "failed"}),
    "starting": frozenset({"running", "queued", "completed", "failed", "canceled", "pruned"}),
    "running": frozenset({"queued", "completed", "failed", "canceled", "pruned"}),
    # A terminal run is queued again only when a person retries it.
    "failed": frozenset({"queued"}),
    "canceled": frozenset({"queued"}),
    "completed": frozenset(),
    "pruned": frozenset(),
}


class StopReason(TextChoices):
    """Why a leased run is to stop; decides what becomes of it when it has."""

    CANCELED = "canceled"
    PAUSED = "paused"
    PREEMPTED = "preempted"
    PRUNED = "pruned"
    BUDGET = "budget"
    TARGET = "target"
    NOT_FINITE = "not_finite"


# Reasons after which it is queued again: it stops at its next checkpoint, if one comes soon.
INTERRUPTIONS = (StopReason.PAUSED, StopReason.PREEMPTED)


class ExperimentState(TextChoices):
    """Life of an experiment; a completed one becomes active again when runs are added.

    A paused one keeps its queue, and nothing of it starts.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELED = "canceled"


# Something may still be done in it.
EXPERIMENT_OPEN = (ExperimentState.ACTIVE, ExperimentState.PAUSED)
EXPERIMENT_MOVES = {
    "active": frozenset({"paused", "completed", "canceled"}),
    "paused": frozenset({"active", "completed", "canceled"}),
    "completed": frozenset({"active"}),
    "canceled": frozenset({"active"}),
}
