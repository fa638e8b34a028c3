"""What the REST API tells about models."""

from datetime import datetime
from typing import TypedDict

from django.conf import settings

from experiments.models import ModelVersion


class ModelVersionJson(TypedDict):
    """A model version and where it came from."""

    name: str
    version: int
    uri: str
    step: int | None
    objective: float | None
    run: str
    experiment: str
    created_at: datetime
    url: str


def model_version_json(version: ModelVersion) -> ModelVersionJson:
    """A model version and where it came from."""
    return {
        "name": version.name,
        "version": version.version,
        "uri": version.uri,
        "step": version.step,
        "objective": version.objective,
        "run": str(version.run_id),
        "experiment": str(version.run.experiment_id),
        "created_at": version.created_at,
        "url": settings.PORTAL_URL + version.get_absolute_url(),
    }
