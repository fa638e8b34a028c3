"""What every TrackingStore must do. A test of an adapter inherits it and gives `store` and `reader`."""

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Protocol

import pytest

from experiments.tracking.port import (
    MetricSeries,
    ModelRecord,
    ModelUnusable,
    Point,
    RunRecord,
    RunStatus,
    TrackingStore,
)
from tests.fakes import exported_model

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class SeenRun:
    """A run as the tracker shows it."""

    tracking_run_id: str
    experiment: str
    name: str
    status: str
    seconds: float
    params: Mapping[str, str]
    tags: Mapping[str, str]


class Reader(Protocol):
    """How the contract looks into a tracker, by other means than the adapter under test."""

    def runs(self, run_id: str) -> Sequence[SeenRun]:
        """Every run in the tracker of one run of the portal."""
        ...

    def points(self, tracking_run_id: str, key: str) -> Sequence[tuple[int, float, float]]:
        """Step, value, unix seconds."""
        ...

    def models(self, tracking_run_id: str) -> Sequence[str]:
        """URIs of the models of a run."""
        ...

    def versions(self, name: str) -> Mapping[int, str]:
        """Version -> URI of its model."""
        ...


def make_record(**changes: object) -> RunRecord:
    """A small run of an experiment of its own."""
    run_id = str(uuid.uuid4())
    record = RunRecord(
        run_id=run_id,
        name="digits #3",
        url=f"http://portal.test/runs/{run_id}",
        user="ann",
        experiment_id=str(uuid.uuid4()),
        experiment_name=f"team/{run_id[:8]}",
        attempt=1,
        status=RunStatus.FINISHED,
        started_at=START,
        ended_at=START + timedelta(seconds=90),
        params={"lr": 0.003, "augment": True, "layers": [8, 16]},
        tags={"mlplatform.seed": "7"},
        metrics=series(loss=[0.5, 0.25]),
    )
    return replace(record, **changes)  # type: ignore[arg-type]  # names and types are the test's


def series(**values: Sequence[float]) -> list[MetricSeries]:
    """Metric histories, one point a second, steps from 1."""
    began = START.timestamp()
    return [
        MetricSeries(name, [Point(step, value, began + step) for step, value in enumerate(column, 1)])
        for name, column in values.items()
    ]


def make_model(record: RunRecord, tracking_run_id: str, checkpoint: Path, step: int = 2) -> ModelRecord:
    """The model of a run at a step."""
    return ModelRecord(
        tracking_run_id=tracking_run_id,
        run_id=record.run_id,
        run_url=record.url,
        checkpoint=str(checkpoint),
        step=step,
        created_at=START,
        python_version="3.11.2",
        params=record.params,
        metrics={"loss": Point(2, 0.25, START.timestamp() + 2)},
    )


class TrackingStoreContract:
    """Inherit, and define `store` and `reader`."""

    def test_run_is_kept_with_all_that_is_known(self, store: TrackingStore, reader: Reader) -> None:
        record = make_record()
        recorded = store.record_run(record)
        (run,) = reader.runs(record.run_id)
        assert run.tracking_run_id == recorded.tracking_run_id
        assert (run.experiment, run.name, run.status) == (record.experiment_name, "digits #3", "FINISHED")
        assert run.seconds == 90
        assert run.params == {"lr": "0.003", "augment": "True", "layers": "[8, 16]"}
        wanted = {
            "mlplatform.seed": "7",
            "mlplatform.run_id": record.run_id,
            "mlplatform.run_url": record.url,
        }
        assert wanted.items() <= run.tags.items()
        assert run.tags["mlflow.user"] == "ann"
        assert reader.points(recorded.tracking_run_id, "loss") == [
            (1, 0.5, START.timestamp() + 1),
            (2, 0.25, START.timestamp() + 2),
        ]

    @pytest.mark.parametrize("status", RunStatus)
    def test_status(self, store: TrackingStore, reader: Reader, status: RunStatus) -> None:
        record = make_record(status=status)
        store.record_run(record)
        assert [run.status for run in reader.runs(record.run_id)] == [status.value]

    def test_recording_again_changes_nothing(self, store: TrackingStore, reader: Reader) -> None:
        record = make_record(metrics=series(loss=[0.5, math.nan, math.nan, 0.1]))
        first = store.record_run(record)
        assert store.record_run(record).tracking_run_id == first.tracking_run_id
        assert len(reader.runs(record.run_id)) == 1
        assert [step for step, _, _ in reader.points(first.tracking_run_id, "loss")] == [1, 2, 3, 4]

    def test_record_that_broke_off_is_completed(self, store: TrackingStore, reader: Reader) -> None:
        values = [math.nan, *(1 / step for step in range(2, 1800))]
        (whole,) = series(loss=values)

        def broken() -> Iterator[Point]:
            yield from islice(whole.points, 1500)
            raise ConnectionAbortedError

        record = make_record(metrics=[MetricSeries("loss", broken())])
        with pytest.raises(ConnectionAbortedError):
            store.record_run(record)
        recorded = store.record_run(replace(record, metrics=[whole]))
        assert len(reader.runs(record.run_id)) == 1
        assert [value for _, value, _ in reader.points(recorded.tracking_run_id, "loss")][1:] == values[1:]

    def test_later_attempt_replaces_the_run(self, store: TrackingStore, reader: Reader) -> None:
        failed = make_record(status=RunStatus.FAILED)
        store.record_run(failed)
        done = replace(
            failed,
            attempt=2,
            status=RunStatus.FINISHED,
            metrics=series(loss=[0.5, 0.125]),
        )
        second = store.record_run(done)
        assert store.record_run(done).tracking_run_id == second.tracking_run_id
        (run,) = reader.runs(failed.run_id)
        assert (run.tracking_run_id, run.status) == (second.tracking_run_id, "FINISHED")
        assert [value for _, value, _ in reader.points(second.tracking_run_id, "loss")] == [0.5, 0.125]

    def test_long_history_is_exact(self, store: TrackingStore, reader: Reader) -> None:
        values = [1 / step for step in range(1, 2502)]
        recorded = store.record_run(make_record(metrics=series(loss=values, other=[1.0])))
        assert recorded.points == 2502
        assert [value for _, value, _ in reader.points(recorded.tracking_run_id, "loss")] == values

    def test_values_that_are_no_numbers(self, store: TrackingStore, reader: Reader) -> None:
        recorded = store.record_run(make_record(metrics=series(loss=[math.nan, math.inf, -math.inf, 0.0])))
        nan, plus, minus, zero = (value for _, value, _ in reader.points(recorded.tracking_run_id, "loss"))
        assert math.isnan(nan)
        assert plus > 1e308
        assert minus < -1e308
        assert zero == 0

    def test_odd_names_and_long_values(self, store: TrackingStore, reader: Reader) -> None:
        metrics = [MetricSeries(name, [Point(1, value, 5.0)]) for name, value in (("a@b", 1.0), ("a#b", 2.0))]
        record = make_record(
            name="größe\x00 " + "n" * 400,
            params={"../up": "x" * 10_000, "Größe (cm)": "ä" * 7000, "": "", "none": None}
            | {f"p{n}": n for n in range(150)},
            tags={"weird%": "v" * 9000},
            metrics=[*metrics, MetricSeries("n" * 400, [Point(1, 3.0, 5.0)])],
        )
        recorded = store.record_run(record)
        assert store.record_run(record).tracking_run_id == recorded.tracking_run_id
        (run,) = reader.runs(record.run_id)
        assert len(run.params) == len(record.params)
        assert max(len(value) for value in run.params.values()) <= 6000
        assert reader.points(recorded.tracking_run_id, "a_b") == [(1, 2.0, 5.0)]

    def test_runs_of_an_experiment_stay_together(self, store: TrackingStore, reader: Reader) -> None:
        one = make_record()
        renamed = make_record(experiment_id=one.experiment_id, experiment_name="team/new name")
        store.record_run(one)
        store.record_run(renamed)
        assert reader.runs(one.run_id)[0].experiment == reader.runs(renamed.run_id)[0].experiment

    def test_model_is_stored_once(self, store: TrackingStore, reader: Reader, tmp_path: Path) -> None:
        record = make_record()
        run = store.record_run(record).tracking_run_id
        model = make_model(record, run, exported_model.write(tmp_path / "a"))
        recorded = store.record_model(model)
        assert store.record_model(model) == recorded
        assert recorded.run_uri == f"runs:/{run}/model"
        assert reader.models(run) == [recorded.uri]
        assert len(reader.points(run, "loss")) == 2
        other = store.record_model(make_model(record, run, exported_model.write(tmp_path / "b"), step=3))
        assert sorted(reader.models(run)) == sorted([recorded.uri, other.uri])

    @pytest.mark.parametrize("content", [None, b"", b"not a zip"])
    def test_checkpoint_without_a_model(
        self, store: TrackingStore, tmp_path: Path, content: bytes | None
    ) -> None:
        record = make_record()
        run = store.record_run(record).tracking_run_id
        if content is not None:
            (tmp_path / "model.pt2").write_bytes(content)
        with pytest.raises(ModelUnusable, match=r"model\.pt2"):
            store.record_model(make_model(record, run, tmp_path))

    def test_versions(self, store: TrackingStore, reader: Reader, tmp_path: Path) -> None:
        record = make_record()
        run = store.record_run(record).tracking_run_id
        name = f"team.{record.run_id[:8]}"
        versions = []
        for folder in ("a", "a", "b"):
            model = store.record_model(make_model(record, run, exported_model.write(tmp_path / folder)))
            versions.append(store.register_model(name=name, model=model, description="best of digits"))
        assert [version.version for version in versions] == [1, 1, 2]
        assert versions[2].uri == f"models:/{name}/2"
        assert list(reader.versions(name)) == [1, 2]

    def test_files_of_a_model(self, store: TrackingStore, tmp_path: Path) -> None:
        record = make_record()
        run = store.record_run(record).tracking_run_id
        folder = exported_model.write(tmp_path / "a")
        uri = store.record_model(make_model(record, run, folder)).uri
        files = store.model_files(uri)
        assert [file.path for file in files] == sorted(file.path for file in files)
        (model,) = (file for file in files if file.path.endswith("model.pt2"))
        content = b"".join(store.model_file(uri, model.path))
        assert content == (folder / "model.pt2").read_bytes()
        assert model.size == len(content)
        assert store.model_files("models:/m-00000000000000000000000000000000") == []

    def test_forgotten_run_leaves_nothing(self, store: TrackingStore, reader: Reader, tmp_path: Path) -> None:
        record = make_record()
        stays = make_record(experiment_id=record.experiment_id)
        run = store.record_run(record).tracking_run_id
        store.record_run(stays)
        model = store.record_model(make_model(record, run, exported_model.write(tmp_path / "a")))
        name = f"team.{record.run_id[:8]}"
        store.register_model(name=name, model=model, description="best of digits")
        size = sum(file.size for file in store.model_files(model.uri))
        ids = {"experiment_id": record.experiment_id, "run_id": record.run_id}
        assert store.forget_run(**ids) == size > 0
        assert not reader.runs(record.run_id)
        assert not reader.versions(name)
        assert not store.model_files(model.uri)
        assert reader.runs(stays.run_id)
        assert store.forget_run(**ids) == 0
        assert store.forget_run(experiment_id=str(uuid.uuid4()), run_id=record.run_id) == 0

    def test_forgotten_experiment(self, store: TrackingStore, reader: Reader) -> None:
        record = make_record()
        store.record_run(record)
        store.forget_run(experiment_id=record.experiment_id, run_id=record.run_id)
        for _ in range(2):
            store.forget_experiment(record.experiment_id)
        # Recorded again, it is another one.
        assert store.record_run(record).points == 2
