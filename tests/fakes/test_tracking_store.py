"""The fake keeps the same contract as the real adapter, or tests that use it would prove nothing."""

from collections.abc import Mapping, Sequence

import pytest

from experiments.tracking import names
from tests.contracts.tracking_store_contract import Reader, SeenRun, TrackingStoreContract
from tests.fakes.tracking_store import FakeTrackingStore


class FakeReader:
    """Looks into the fake's dictionaries."""

    def __init__(self, store: FakeTrackingStore) -> None:
        self._store = store

    def runs(self, run_id: str) -> Sequence[SeenRun]:
        if run_id not in self._store.runs:
            return []
        run = self._store.runs[run_id]
        record = run.record
        param_keys = names.keys(record.params)
        return [
            SeenRun(
                run.tracking_run_id,
                self._store.experiments[record.experiment_id],
                record.name,
                record.status,
                (record.ended_at - record.started_at).total_seconds(),
                {param_keys[name]: names.param_value(value) for name, value in record.params.items()},
                {
                    **record.tags,
                    "mlplatform.run_id": record.run_id,
                    "mlplatform.run_url": record.url,
                    "mlflow.user": record.user,
                },
            )
        ]

    def points(self, tracking_run_id: str, key: str) -> Sequence[tuple[int, float, float]]:
        (run,) = (run for run in self._store.runs.values() if run.tracking_run_id == tracking_run_id)
        return [(point.step, point.value, point.time) for point in run.points[key].values()]

    def models(self, tracking_run_id: str) -> Sequence[str]:
        return [model.uri for (run, _), model in self._store.models.items() if run == tracking_run_id]

    def versions(self, name: str) -> Mapping[int, str]:
        return dict(enumerate(self._store.versions.get(name, []), 1))


class TestFakeTrackingStore(TrackingStoreContract):
    @pytest.fixture
    def store(self) -> FakeTrackingStore:
        return FakeTrackingStore()

    @pytest.fixture
    def reader(self, store: FakeTrackingStore) -> Reader:
        return FakeReader(store)
