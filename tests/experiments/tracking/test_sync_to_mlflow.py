"""From the outbox to a model that loads by name, with a real MLflow server."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import mlflow
import pytest
import torch

from experiments.models import Checkpoint, Experiment, ModelVersion, TrackingSync
from experiments.services import lifecycle
from experiments.services.tracking_sync import sync_due
from experiments.states import ExperimentState
from experiments.tracking.registry import tracking_store
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish
from tests.experiments.tracking.mlflow_reader import MlflowReader
from tests.servers.mlflow import MlflowServer

pytestmark = pytest.mark.mlflow


@pytest.fixture(autouse=True)
def _portal_with_mlflow(mlflow_server: MlflowServer, settings: Any) -> Iterator[None]:
    settings.MLFLOW_URL = mlflow_server.url
    tracking_store.cache_clear()
    yield
    tracking_store.cache_clear()


def test_outage_then_runs_models_and_version(
    mlflow_server: MlflowServer, finish: Finish, experiment: Experiment
) -> None:
    worse = finish(1, accuracy=(0.5, 0.6))
    best = finish(2, accuracy=(0.7, 0.9), models_at=(2,))
    model = torch.nn.Linear(4, 2)
    program = torch.export.export(
        model, (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    torch.export.save(program, f"{Checkpoint.objects.get(run=best, step=2).path}/model.pt2")
    experiment.refresh_from_db()
    assert lifecycle.experiment_move(experiment, ExperimentState.COMPLETED, "completed")

    mlflow_server.stop()
    try:
        sync_due()
        assert "does not answer" in TrackingSync.objects.order_by("-tries")[0].last_error
    finally:
        mlflow_server.start()
    TrackingSync.objects.update(next_try_at=clock.now() - timedelta(seconds=1))
    sync_due()
    sync_due()

    reader = MlflowReader(mlflow_server.url)
    for run in (worse, best):
        (seen,) = reader.runs(str(run.id))
        assert seen.status == "FINISHED"
        assert seen.tags["mlplatform.run_url"].endswith(run.get_absolute_url())
        assert len(reader.points(seen.tracking_run_id, "accuracy")) == 2
    version = ModelVersion.objects.get()
    assert version.run_id == best.pk
    mlflow.set_tracking_uri(mlflow_server.url)
    inputs = torch.rand(3, 4)
    assert torch.equal(mlflow.pytorch.load_model(version.uri)(inputs), model(inputs))
