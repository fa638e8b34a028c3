"""Deleting the projects that people gave up, with everything that belongs to them.

Their experiments are deleted as if somebody deleted them one by one; when nothing is left of these, the code goes.
The rows of ProjectDeletion are an outbox: one is claimed by moving its `next_try_at` past the claim, then worked on in
bounded steps, each safe to repeat; whoever dies in the middle leaves a row that is due again. The project's own row
goes last. See docs/projects.md.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Sum

from accounts.models import Project, ProjectDeletion
from accounts.services.audit import audit
from experiments.models import Bundle, Deletion, Experiment, Purge
from experiments.services.belongings import experiment_stop, still_busy
from experiments.services.code_purge import bundle_purge
from experiments.services.deletion import experiments_hide, experiments_must_be_over
from experiments.services.mounted import storage_must_be_there
from experiments.states import EXPERIMENT_OPEN
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import PlatformError, Unavailable

logger = logging.getLogger(__name__)
PROJECTS_AT_A_TIME = 20
# Per call: pieces of code; then others have their turn.
STEPS_AT_A_TIME = 40
# Longer than the actor may run.
CLAIM = timedelta(minutes=11)
SOON = timedelta(seconds=3)
# Back-off doubles from the first to the second.
BACKOFF = (timedelta(seconds=10), timedelta(minutes=10))
WAITS_FOR_EXPERIMENTS = "Waits for what its experiments have in the storage and in MLflow to go."


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
    # Before anything goes, even what the database has.
    storage_must_be_there()
    _hide(project, deletion)
    _wait_for_experiments(project, deletion)
    bundles = Bundle.objects.filter(project=project).order_by("pk")
    for bundle in bundles[:STEPS_AT_A_TIME]:
        storage_must_be_there()
        _count(deletion.pk, bundle_purge(bundle))
    if bundles.exists():
        ProjectDeletion.objects.filter(pk=deletion.pk).update(tries=0)
        return False
    _finish(deletion, project)
    return True


def _settle(project: Project) -> None:
    """Nobody works in it any more. Raises Waiting."""
    for pk in list(
        Experiment.objects.filter(project=project, state__in=EXPERIMENT_OPEN).values_list("pk", flat=True)
    ):
        experiment_stop(pk)
    # Also of those deleted a moment ago, whose job may still be ending.
    experiments = Experiment.everything.filter(project=project)
    if words := still_busy(list(experiments.values_list("pk", flat=True))):
        raise Waiting(words)


@transaction.atomic
def _hide(project: Project, deletion: ProjectDeletion) -> None:
    """Give its experiments to those who take deleted ones apart. Raises Conflict if one is open again."""
    experiments = Experiment.objects.filter(project=project)
    locked = experiments.select_for_update(of=("self",), no_key=True).order_by("pk")
    if not list(locked.values_list("pk", flat=True)):
        return
    experiments_must_be_over(experiments)
    experiments_hide(
        experiments=experiments,
        project=project,
        user=deletion.requested_by,
        what=f"Project {deletion.name}",
    )


def _wait_for_experiments(project: Project, deletion: ProjectDeletion) -> None:
    """Until nothing is left of them, nor of what people deleted before. Raises Waiting."""
    ours = Deletion.objects.filter(project=project, created_at__gte=deletion.requested_at)
    freed = ours.aggregate(freed=Sum("freed_bytes"))["freed"] or 0
    # Code comes later and is added, so from then on this changes nothing.
    ProjectDeletion.objects.filter(pk=deletion.pk, freed_bytes__lt=freed).update(freed_bytes=freed)
    if Deletion.objects.filter(project=project, ended_at=None).exists():
        failed = Purge.objects.filter(deletion__project=project).exclude(last_error="").order_by("pk").first()
        raise Waiting(failed.last_error if failed else WAITS_FOR_EXPERIMENTS)


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
