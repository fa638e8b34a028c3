"""Archiving a project, once nothing goes on in it."""

from django.db import transaction

from accounts.models import Project, User
from accounts.services.closing import project_archive
from experiments.models import Experiment
from experiments.states import EXPERIMENT_OPEN
from mlplatform.kernel.errors import Conflict

NAMED = 5


@transaction.atomic
def project_close(*, user: User, project: Project) -> Project:
    """Archive it. Raises Conflict, with their names, while experiments are open in it."""
    archived = project_archive(user=user, project=project)
    # Launches hold the project open, so that none is under way now.
    going_on = Experiment.objects.filter(project=project, state__in=EXPERIMENT_OPEN).order_by("name")
    names = list(going_on.values_list("name", flat=True))
    if names:
        listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        raise Conflict(
            f"{project.name} has experiments that are not over: {listed}. "
            "Let them finish or cancel them, then archive the project.",
            experiments=names[:100],
        )
    return archived
