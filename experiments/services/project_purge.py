"""Deleting the projects that people gave up, with everything that belongs to them.

The rows of ProjectDeletion are an outbox: one is claimed by moving its `next_try_at` past the claim, then worked on in
bounded steps, each safe to repeat; whoever dies in the middle leaves a row that is due again. The project's own row
goes last. See docs/projects.md.
"""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from accounts.models import Project, ProjectDeletion
from accounts.services.audit import audit
from experiments.models import Bundle, Deletion, Experiment
from experiments.services.belongings import (
    experiment_stop,
    packages_purge,
    runs_purge,
    still_busy,
)
from experiments.services.code_purge import bundle_purge
from experiments.services.mounted import storage_must_be_there
from experiments.states import EXPERIMENT_OPEN
from experiments.tracking.registry import tracking_store
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import PlatformError, Unavailable

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)
PROJECTS_AT_A_TIME = 20
# Per call; then others have their turn.
STEPS_AT_A_TIME = 40
# Longer than the actor may run.
CLAIM = timedelta(minutes=11)
SOON = timedelta(seconds=3)
# Back-off doubles from the first to the second.
BACKOFF = (timedelta(seconds=10), timedelta(minutes=10))


class Waiting(Unavailable):
    """It goes on when somebody else has finished."""


def projects_purge() -> None:
    """Bring every deletion that is due forward."""
    due = ProjectDeletion.objects.filter(finished_at=None, next_try_at__lte=clock.now())
    for deletion in due.order_by("next_try_at")[:PROJECTS_AT_A_TIME]:
        if _claim(deletion):
            _forward(deletion)


def _claim(deletion: ProjectDeletion) -> bool:
    """Take the row for a while. False: somebody else was faster."""
    until = clock.now() + CLAIM
    mine = ProjectDeletion.objects.filter(pk=deletion.pk, finished_at=None, next_try_at=deletion.next_try_at)
    if not mine.update(next_try_at=until, tries=F("tries") + 1):
        return False
    deletion.next_try_at = until
    deletion.tries += 1
    return True


def _forward(deletion: ProjectDeletion) -> None:
    try:
        is_over = project_purge(deletion)
    except Waiting as error:
        _later(deletion, error.message, SOON)
    except PlatformError as error:
        shortest, longest = BACKOFF
        _later(deletion, error.message, min(shortest * 2 ** min(deletion.tries - 1, 16), longest))
    except OSError as error:
        # What file systems raise when they delete.
        words = f"The storage does not answer: {type(error).__name__}: {error}"[:300]
        _later(deletion, words, BACKOFF[0])
    except Exception as error:
        # One project that cannot be deleted must not hold up the others.
        logger.exception("the project %s could not be deleted; it is tried again", deletion.slug)
        _later(deletion, f"Internal error ({type(error).__name__}); see the worker's log.", BACKOFF[1])
    else:
        if not is_over:
            _later(deletion, "", timedelta())
            enqueue("purge_projects")


def project_purge(deletion: ProjectDeletion) -> bool:
    """A bounded part of what is left to do; whether that was all. Raises Unavailable and whatever storages raise."""
    project = Project.objects.filter(pk=deletion.project_id, deleting_at__isnull=False).first()
    if project is None:
        _finish(deletion, None)
        return True
    _settle(project)
    storage_must_be_there()
    for _ in range(STEPS_AT_A_TIME):
        if not _step(project, deletion):
            _finish(deletion, project)
            return True
    ProjectDeletion.objects.filter(pk=deletion.pk).update(tries=0)
    return False


def _settle(project: Project) -> None:
    """Nobody works in it any more. Raises Waiting."""
    experiments = _experiments(project)
    for pk in list(experiments.filter(state__in=EXPERIMENT_OPEN).values_list("pk", flat=True)):
        experiment_stop(pk)
    if words := still_busy(list(experiments.values_list("pk", flat=True))):
        raise Waiting(words)
    if Deletion.objects.filter(project=project, ended_at=None).exists():
        raise Waiting("Waits for what was deleted in it before.")


def _experiments(project: Project) -> "QuerySet[Experiment]":
    """All of them, also what the model's own manager may leave out."""
    return Experiment._base_manager.filter(project=project).order_by("created_at")


def _step(project: Project, deletion: ProjectDeletion) -> bool:
    """Delete one more piece; False if there is none."""
    experiment = _experiments(project).first()
    if experiment is not None:
        _experiment_step(experiment, deletion.pk)
        return True
    bundle = Bundle.objects.filter(project=project).first()
    if bundle is not None:
        _count(deletion.pk, bundle_purge(bundle))
        return True
    return False


def _experiment_step(experiment: Experiment, deletion_id: int) -> None:
    deleted, freed = runs_purge(experiment)
    if not deleted:
        # After its runs: the tracker may refuse to let go of an experiment that has some.
        tracking_store().forget_experiment(str(experiment.pk))
        freed = packages_purge(experiment)
        experiment.delete()
    _count(deletion_id, freed)


def _count(deletion_id: int, freed: int) -> None:
    ProjectDeletion.objects.filter(pk=deletion_id).update(freed_bytes=F("freed_bytes") + freed)


@transaction.atomic
def _finish(deletion: ProjectDeletion, project: Project | None) -> None:
    if project is not None:
        project.delete()
    if not ProjectDeletion.objects.filter(pk=deletion.pk, finished_at=None).update(
        finished_at=clock.now(), waits_for=""
    ):
        return
    deletion.refresh_from_db()
    audit(deletion.requested_by, "project.deleted", deletion.slug, freed_bytes=deletion.freed_bytes)


def _later(deletion: ProjectDeletion, words: str, wait: timedelta) -> None:
    """Give the claim back, with what it waits for."""
    if words and words != deletion.waits_for:
        logger.info("the project %s is not deleted yet: %s", deletion.slug, words)
    ProjectDeletion.objects.filter(pk=deletion.pk, finished_at=None, next_try_at=deletion.next_try_at).update(
        next_try_at=clock.now() + wait, waits_for=words
    )
