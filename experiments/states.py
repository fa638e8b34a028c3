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
RUN_LEASED = frozenset({"starting", "running"})

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


class ExperimentState(TextChoices):
    """Life of an experiment; a completed one becomes active again when runs are added."""

    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELED = "canceled"


EXPERIMENT_MOVES = {
    "active": frozenset({"completed", "canceled"}),
    "completed": frozenset({"active"}),
    "canceled": frozenset({"active"}),
}
