"""What every page of an experiment shows above its own content."""

from typing import Any

from accounts.web.access import SignedInRequest, rights
from experiments.models import Experiment
from experiments.states import RunState


def experiment_head(request: SignedInRequest, experiment: Experiment) -> dict[str, Any]:
    """Context of the title, of the buttons and of what depends on the person's rights. Two queries."""
    return {
        "project": experiment.project,
        "experiment": experiment,
        "failed_count": experiment.runs.filter(state=RunState.FAILED).count(),
        **rights(request.user, experiment.project),
    }
