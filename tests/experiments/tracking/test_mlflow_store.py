"""The MLflow adapter against a real MLflow server."""

import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import mlflow
import numpy as np
import pytest
import torch

from experiments.tracking.mlflow_store import ATTEMPT_TAG, RUN_TAG, MlflowStore
from experiments.tracking.port import RunStatus, TrackingRejected, TrackingUnavailable
from tests.contracts.tracking_store_contract import (
    TrackingStoreContract,
    make_model,
    make_record,
    series,
)
from tests.experiments.tracking.mlflow_reader import MlflowReader
from tests.fakes import exported_model
from tests.servers.mlflow import MlflowServer

pytestmark = pytest.mark.mlflow


@pytest.fixture
def store(mlflow_server: MlflowServer) -> Iterator[MlflowStore]:
    store = MlflowStore(mlflow_server.url)
    yield store
    store.close()


@pytest.fixture
def reader(mlflow_server: MlflowServer) -> MlflowReader:
    return MlflowReader(mlflow_server.url)


class TestMlflowStore(TrackingStoreContract):
    pass


def test_experiment_name_that_somebody_else_has(store: MlflowStore, reader: MlflowReader) -> None:
    record = make_record()
    reader.client.create_experiment(record.experiment_name)
    store.record_run(record)
    assert (
        reader.runs(record.run_id)[0].experiment == f"{record.experiment_name} ({record.experiment_id[:6]})"
    )


def test_run_deleted_in_mlflow_comes_back(store: MlflowStore, reader: MlflowReader) -> None:
    record = make_record()
    first = store.record_run(record)
    reader.client.delete_run(first.tracking_run_id)
    second = store.record_run(record)
    assert [run.tracking_run_id for run in reader.runs(record.run_id)] == [second.tracking_run_id]


def test_run_made_twice_is_put_right(store: MlflowStore, reader: MlflowReader) -> None:
    record = make_record()
    first = store.record_run(record)
    tags = {RUN_TAG: record.run_id, ATTEMPT_TAG: "1"}
    experiment = reader.client.get_run(first.tracking_run_id).info.experiment_id
    reader.client.create_run(experiment, tags=tags)
    assert store.record_run(record).tracking_run_id == first.tracking_run_id
    assert len(reader.runs(record.run_id)) == 1


def test_what_was_told_completely_is_not_sent_again(store: MlflowStore) -> None:
    record = make_record()
    assert store.record_run(record).points == 2
    assert store.record_run(record).points == 0


def test_param_that_changed_is_rejected(store: MlflowStore) -> None:
    record = make_record()
    store.record_run(record)
    with pytest.raises(TrackingRejected, match="lr") as caught:
        store.record_run(replace(record, params={"lr": 1}, status=RunStatus.FAILED))
    assert caught.value.details["reason"] == "INVALID_PARAMETER_VALUE"
    assert not caught.value.retryable


def test_upload_that_broke_off_is_finished(store: MlflowStore, reader: MlflowReader, tmp_path: Path) -> None:
    record = make_record()
    run = store.record_run(record).tracking_run_id
    model = make_model(record, run, exported_model.write(tmp_path))
    experiment = reader.client.get_run(run).info.experiment_id
    tags = {"mlplatform.checkpoint": str(tmp_path)}
    half = reader.client.create_logged_model(experiment, "model", source_run_id=run, tags=tags)
    assert store.record_model(model).uri == f"models:/{half.model_id}"
    assert reader.client.get_logged_model(half.model_id).status == "READY"


def test_outage_fails_fast_and_passes(mlflow_server: MlflowServer, store: MlflowStore) -> None:
    record = make_record()
    first = store.record_run(record)
    mlflow_server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(TrackingUnavailable, match="does not answer") as caught:
            store.record_run(record)
        assert time.monotonic() - began < 5
        assert caught.value.retryable
    finally:
        mlflow_server.start()
    assert store.record_run(record).tracking_run_id == first.tracking_run_id


def test_server_that_hangs_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = MlflowStore(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=httpx.Timeout(0.5))
        with pytest.raises(TrackingUnavailable, match="ReadTimeout"):
            store.record_run(make_record())


def test_exported_model_loads_and_predicts(
    mlflow_server: MlflowServer, store: MlflowStore, tmp_path: Path
) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)).eval()
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(model, (torch.zeros(2, 8, 8),), dynamic_shapes=(batch,))
    torch.export.save(program, tmp_path / "model.pt2")
    (tmp_path / "input_example.json").write_text(str([[[0.0] * 8] * 8]))
    record = make_record()
    run = store.record_run(record).tracking_run_id
    recorded = store.record_model(make_model(record, run, tmp_path))
    version = store.register_model(name=f"team.{record.run_id}", model=recorded, description="")
    mlflow.set_tracking_uri(mlflow_server.url)
    images = torch.rand(5, 8, 8)
    for uri in (recorded.uri, recorded.run_uri, version.uri):
        assert torch.equal(mlflow.pytorch.load_model(uri)(images), model(images))
    generic = mlflow.pyfunc.load_model(version.uri)
    assert np.array_equal(generic.predict(images.numpy()), model(images).detach().numpy())
    assert generic.metadata.signature.inputs.inputs[0].shape == (-1, 8, 8)
    assert generic.input_example.shape == (1, 8, 8)


def test_model_of_two_inputs_loads(mlflow_server: MlflowServer, store: MlflowStore, tmp_path: Path) -> None:
    class Scale(torch.nn.Module):
        def forward(self, values: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
            return values * factor

    program = torch.export.export(Scale(), (torch.zeros(3), torch.tensor(2.0)))
    torch.export.save(program, tmp_path / "model.pt2")
    record = make_record()
    run = store.record_run(record).tracking_run_id
    recorded = store.record_model(make_model(record, run, tmp_path))
    mlflow.set_tracking_uri(mlflow_server.url)
    loaded = mlflow.pytorch.load_model(recorded.uri)
    assert loaded(torch.ones(3), torch.tensor(2.0)).tolist() == [2, 2, 2]
    signature = mlflow.models.get_model_info(recorded.uri).signature
    assert [spec.name for spec in signature.inputs.inputs] == ["values", "factor"]


def test_ten_thousand_points(store: MlflowStore, capsys: pytest.CaptureFixture[str]) -> None:
    record = make_record(metrics=series(loss=[1 / n for n in range(1, 10_001)]))
    began = time.perf_counter()
    points = store.record_run(record).points
    with capsys.disabled():
        sys.stdout.write(
            f"\n10,000 points to MLflow: {points / (time.perf_counter() - began):,.0f} points/s "
        )
