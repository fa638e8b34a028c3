"""A tracker in memory. `down` makes every call fail as an outage does, `refuse` as a rejection."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from experiments.tracking import names, packaging
from experiments.tracking.port import (
    ModelRecord,
    Point,
    RecordedModel,
    RecordedRun,
    RegisteredVersion,
    RunRecord,
    StoredFile,
    TrackingRejected,
    TrackingUnavailable,
)
from mlplatform.kernel import storage


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

    def model_files(self, uri: str) -> list[StoredFile]:
        """Those of the checkpoint folder that the model was made from."""
        self._answer("model_files")
        folder = self._folder(uri)
        return (
            [StoredFile(path, size) for path, size in sorted(storage.files_in(folder).items())]
            if folder
            else []
        )

    def model_file(self, uri: str, path: str) -> Iterator[bytes]:
        """One of them."""
        self._answer("model_file")
        return storage.chunks(self._folder(uri), path)

    def forget_run(self, *, experiment_id: str, run_id: str) -> int:
        """Drop what there is of the run."""
        self._answer("forget_run")
        run = self.runs.pop(run_id, None)
        freed = 0
        for key, model in list(self.models.items()):
            if run and key[0] == run.tracking_run_id:
                freed += sum(storage.files_in(key[1]).values())
                for name, uris in list(self.versions.items()):
                    self.versions[name] = [uri for uri in uris if uri != model.uri]
                    if not self.versions[name]:
                        del self.versions[name]
                del self.models[key]
        return freed

    def forget_experiment(self, experiment_id: str) -> None:
        """Drop it."""
        self._answer("forget_experiment")
        self.experiments.pop(experiment_id, None)

    def _folder(self, uri: str) -> str:
        return next((folder for (_, folder), model in self.models.items() if model.uri == uri), "")

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise TrackingUnavailable("the tracker does not answer", reason="down")
        if self.refuse:
            raise TrackingRejected(self.refuse, reason="refused")
