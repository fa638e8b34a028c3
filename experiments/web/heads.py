"""What every page of an experiment shows above its own content."""

from typing import Any

from accounts.permissions import role_in, suffices
from accounts.web.access import SignedInRequest
from experiments.models import Experiment
from experiments.states import RunState


def experiment_head(request: SignedInRequest, experiment: Experiment) -> dict[str, Any]:
    """Context of the title, of the buttons and of what depends on the person's rights. Two queries."""
    role = role_in(request.user, experiment.project)
    return {
        "project": experiment.project,
        "experiment": experiment,
        "failed_count": experiment.runs.filter(state=RunState.FAILED).count(),
        "may_launch": role is not None and suffices(role, "launch"),
        "may_control": role is not None and suffices(role, "control"),
    }
