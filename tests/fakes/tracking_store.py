"""A tracker in memory. `down` makes every call fail as an outage does, `refuse` as a rejection."""

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field

from experiments.tracking import names, packaging
from experiments.tracking.port import (
    ModelRecord,
    Point,
    RecordedModel,
    RecordedRun,
    RegisteredVersion,
    RunRecord,
    TrackingRejected,
    TrackingUnavailable,
)


@dataclass
class FakeRun:
    """What a tracker shows of a run."""

    tracking_run_id: str
    record: RunRecord
    points: dict[str, dict[str, Point]] = field(default_factory=dict)


class FakeTrackingStore:
    """Implements experiments.tracking.port.TrackingStore; the argument is where a real one would be."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self._ids = itertools.count(1)
        self.down = False
        self.refuse = ""
        self.calls: list[str] = []
        self.runs: dict[str, FakeRun] = {}
        self.experiments: dict[str, str] = {}
        self.models: dict[tuple[str, str], RecordedModel] = {}
        self.model_records: list[ModelRecord] = []
        self.descriptions: list[str] = []
        self.versions: dict[str, list[str]] = {}

    def record_run(self, record: RunRecord) -> RecordedRun:
        """Keep the record, and every point once."""
        self._answer("record_run")
        run = self.runs.get(record.run_id)
        if run is None or run.record.attempt < record.attempt:
            run = self.runs[record.run_id] = FakeRun(f"t{next(self._ids)}", record)
        run.record = record
        self.experiments.setdefault(record.experiment_id, record.experiment_name)
        keys = names.keys(series.name for series in record.metrics)
        sent = 0
        for series in record.metrics:
            known = run.points.setdefault(keys[series.name], {})
            for point in series.points:
                # By its text, because NaN is not equal to itself.
                known[repr(point)] = point
                sent += 1
        return RecordedRun(run.tracking_run_id, sent)

    def record_model(self, record: ModelRecord) -> RecordedModel:
        """Look into the checkpoint as a real store does, and give it an id."""
        self._answer("record_model")
        packaging.open_checkpoint(record.checkpoint)
        key = (record.tracking_run_id, record.checkpoint)
        if key not in self.models:
            uri = f"models:/m-{len(self.models) + 1}"
            run_uri = f"runs:/{record.tracking_run_id}/model"
            self.models[key] = RecordedModel(record.tracking_run_id, uri, run_uri)
            self.model_records.append(record)
        return self.models[key]

    def register_model(self, *, name: str, model: RecordedModel, description: str) -> RegisteredVersion:
        """Number the models of a name from 1."""
        self._answer("register_model")
        self.descriptions.append(description)
        versions = self.versions.setdefault(name, [])
        if model.uri not in versions:
            versions.append(model.uri)
        number = versions.index(model.uri) + 1
        return RegisteredVersion(name, number, f"models:/{name}/{number}")

    def forget_experiment(self, experiment_id: str, *, models: Collection[str] = ()) -> int:
        """Ten bytes for each of its models."""
        self._answer("forget_experiment")
        self.experiments.pop(experiment_id, None)
        going = {
            run.tracking_run_id for run in self.runs.values() if run.record.experiment_id == experiment_id
        }
        gone = {key: model.uri for key, model in self.models.items() if key[0] in going}
        self.runs = {pk: run for pk, run in self.runs.items() if run.tracking_run_id not in going}
        for key in gone:
            del self.models[key]
        for name in models:
            # Numbers of versions are not used again, unless the whole model is gone.
            kept = ["" if uri in gone.values() else uri for uri in self.versions.pop(name, [])]
            if any(kept):
                self.versions[name] = kept
        return 10 * len(gone)

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise TrackingUnavailable("the tracker does not answer", reason="down")
        if self.refuse:
            raise TrackingRejected(self.refuse, reason="refused")
