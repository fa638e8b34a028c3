"""The main job on the real stack: REST, PostgreSQL, Dramatiq, Ray Train, MLflow."""

from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from tests.integration.conftest import ApiUser
from tests.stack import EmbeddedStack

pytestmark = pytest.mark.integration


def test_the_digits_example_is_trained_recorded_and_registered(stack: EmbeddedStack, user: ApiUser) -> None:
    experiment = user.client.experiment_create(
        user.project,
        example="digits",
        name="Main job",
        runs=[{"lr": 0.003, "epochs": 5}, {"lr": 0.00001, "epochs": 2}],
    )
    runs = user.finish(experiment["id"])
    assert [run["state"] for run in runs] == ["completed", "completed"], [run["cause"] for run in runs]
    assert runs[0]["metrics"]["accuracy"]["last"] > 0.9
    assert [run["metrics"]["loss"]["count"] for run in runs] == [5, 2]
    assert user.log(runs[0]).strip()
    (version,) = user.wait_model(experiment["id"])
    assert version["run"] == runs[0]["id"]
    _check_mlflow(stack, runs[0], version)


def _check_mlflow(stack: EmbeddedStack, run: dict[str, Any], version: dict[str, Any]) -> None:
    address = stack.state().services["mlflow"].address
    mlflow.set_tracking_uri(address)
    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("integration/main-job")
    assert experiment is not None
    found = {r.data.tags["mlplatform.run_id"]: r for r in client.search_runs([experiment.experiment_id])}
    assert len(found) == 2
    recorded = found[run["id"]]
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params["lr"] == "0.003"
    assert recorded.data.tags["mlplatform.run_url"] == run["url"]
    history = client.get_metric_history(recorded.info.run_id, "accuracy")
    assert [point.step for point in history] == [1, 2, 3, 4, 5]
    model = mlflow.pytorch.load_model(f"models:/{version['name']}/{version['version']}")
    images = torch.from_numpy(np.zeros((3, 1, 8, 8), dtype=np.float32))
    assert model(images).shape == (3, 10)


def test_code_that_fails_says_how_and_the_next_run_is_not_hurt(user: ApiUser, code: Any) -> None:
    runs = [{"how": how} for how in ("raise", "exit", "hang", "finish")]
    bundle = user.upload(code("troubled"))
    experiment = user.client.experiment_create(user.project, bundle=bundle, name="Troubled", runs=runs)["id"]
    user.wait(experiment, lambda rows: rows[2]["state"] == "running")
    user.client.post(f"/runs/{user.client.runs(experiment)[2]['id']}/cancel/", {})
    raised, left, hung, fine = user.finish(experiment)
    assert (raised["state"], raised["cause"]["code"]) == ("failed", "user_error")
    assert "ValueError: the data is not there" in raised["cause"]["message"]
    assert 'raise ValueError("the data is not there")' in raised["cause"]["traceback"]
    assert "mlp_harness" not in raised["cause"]["traceback"]
    assert (left["state"], left["cause"]["code"]) == ("failed", "user_exit")
    assert (hung["state"], hung["cause"]) == ("canceled", None)
    assert fine["state"] == "completed"
    assert "about to raise" in user.log(raised)


def test_a_stack_stopped_in_the_middle_finishes_the_run_exactly_once(
    stack: EmbeddedStack, user: ApiUser, code: Any
) -> None:
    bundle = user.upload(code("counting"))
    runs = [{"epochs": 30, "pause": 0.25}, {"epochs": 3, "pause": 0}]
    experiment = user.client.experiment_create(user.project, bundle=bundle, name="Counting", runs=runs)["id"]
    user.wait(experiment, lambda rows: (rows[0]["progress"] or 0) > 0.25)
    assert stack.down() == 0
    stack.up()
    again = ApiUser(stack)
    first, second = again.finish(experiment)
    assert (first["state"], second["state"]) == ("completed", "completed")
    assert (first["attempts"], second["attempts"]) == (2, 1)
    points = again.client.get(f"/runs/{first['id']}/metrics/", name="count")[0]
    assert points["steps"] == list(range(1, 31))
    assert points["values"] == list(range(1, 31))
