"""TrackingStore on an MLflow tracking server (3.x) with its artifact proxy.

Runs are found again by the tag `mlplatform.run_id`, experiments by `mlplatform.experiment_id`, so names may
change or be taken. MLflow itself drops metric rows that it has already (same key, step, time and value), so
after a failure the history is sent again as a whole. It stores +-inf as +-1.797e308 and keeps NaN.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx

from experiments.tracking import names, rows
from experiments.tracking.mlflow_files import MlflowFiles
from experiments.tracking.mlflow_models import MlflowModels
from experiments.tracking.port import (
    ModelRecord,
    RecordedModel,
    RecordedRun,
    RegisteredVersion,
    RunRecord,
    StoredFile,
    TrackingRejected,
)
from experiments.tracking.rest import TIMEOUT, MlflowRest

RUN_TAG = "mlplatform.run_id"
ATTEMPT_TAG = "mlplatform.attempt"
EXPERIMENT_TAG = "mlplatform.experiment_id"


class MlflowStore:
    """The adapter. Holds a connection pool, no other state; threads may share it."""

    def __init__(self, url: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._rest = MlflowRest(url, timeout=timeout)
        self._models = MlflowModels(self._rest)
        self._files = MlflowFiles(self._rest)

    def record_run(self, record: RunRecord) -> RecordedRun:
        """Create or complete the run; its status is written last, so what has it was told completely."""
        experiment_id = self._experiment(record)
        found, stale = self._find_runs(record, experiment_id)
        info = found or self._create_run(record, experiment_id)
        ending = {"status": record.status.value, "end_time": _milliseconds(record.ended_at)}
        points = 0
        if not ending.items() <= info.items():
            points = self._tell(info["run_id"], record)
            name = names.cut(record.name, names.MAX_NAME)
            self._rest.post("/runs/update", {"run_id": info["run_id"], "run_name": name, **ending})
        for other in stale:
            self._rest.post("/runs/delete", {"run_id": other})
        return RecordedRun(info["run_id"], points)

    def record_model(self, record: ModelRecord) -> RecordedModel:
        """Store the checkpoint's model as an MLflow logged model of the run."""
        return self._models.record(record)

    def register_model(self, *, name: str, model: RecordedModel, description: str) -> RegisteredVersion:
        """Make the model a version of the registered model."""
        return self._models.register(name=name, model=model, description=description)

    def model_files(self, uri: str) -> list[StoredFile]:
        """Files of a logged model behind the artifact proxy."""
        return self._models.files(uri)

    def model_file(self, uri: str, path: str) -> Iterator[bytes]:
        """One of them, streamed."""
        return self._models.chunks(uri, path)

    def forget_run(self, *, experiment_id: str, run_id: str) -> int:
        """Files are deleted; runs and models go to MLflow's trash, which `mlflow gc` empties.

        The run itself goes last, because it is what everything else is found by.
        """
        there = self._find_experiment(experiment_id)
        freed = 0
        for run in self._runs(run_id, there) if there else ():
            info = run["info"]
            freed += self._models.forget(info["run_id"], there)
            freed += self._files.remove(info["artifact_uri"])
            self._rest.post("/runs/delete", {"run_id": info["run_id"]})
        return freed

    def forget_experiment(self, experiment_id: str) -> None:
        """To MLflow's trash, where it keeps its name until `mlflow gc`."""
        if there := self._find_experiment(experiment_id):
            self._rest.post("/experiments/delete", {"experiment_id": there})

    def close(self) -> None:
        """Give the connections back."""
        self._rest.close()

    def _find_runs(self, record: RunRecord, experiment_id: str) -> tuple[dict[str, Any] | None, list[str]]:
        """The run of this attempt, if there is one, and the ids of those that it replaces."""
        runs = self._runs(record.run_id, experiment_id)
        current = [run["info"] for run in runs if _attempt(run) == record.attempt]
        earlier = [run["info"] for run in runs if _attempt(run) < record.attempt]
        return current[0] if current else None, [info["run_id"] for info in current[1:] + earlier]

    def _runs(self, run_id: str, experiment_id: str) -> list[dict[str, Any]]:
        """What MLflow has of one run of the portal, oldest first."""
        search = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{RUN_TAG}` = '{run_id}'",
            "order_by": ["attributes.start_time", "attributes.run_id"],
        }
        runs: list[dict[str, Any]] = self._rest.post("/runs/search", search).get("runs", [])
        return runs

    def _create_run(self, record: RunRecord, experiment_id: str) -> dict[str, Any]:
        creation = {
            "experiment_id": experiment_id,
            "user_id": names.cut(record.user, names.MAX_NAME),
            "run_name": names.cut(record.name, names.MAX_NAME),
            "start_time": _milliseconds(record.started_at),
            "tags": rows.tags({RUN_TAG: record.run_id, ATTEMPT_TAG: str(record.attempt)}),
        }
        info: dict[str, Any] = self._rest.post("/runs/create", creation)["run"]["info"]
        return info

    def _tell(self, run_id: str, record: RunRecord) -> int:
        """Send tags, params and all points; return how many points."""
        for tags in rows.batches(rows.tags(_tags(record)), rows.PAIRS_PER_BATCH):
            self._rest.post("/runs/log-batch", {"run_id": run_id, "tags": tags})
        for params in rows.batches(rows.params(record.params), rows.PAIRS_PER_BATCH):
            self._rest.post("/runs/log-batch", {"run_id": run_id, "params": params})
        points = 0
        for metrics in rows.batches(_metric_rows(record), rows.METRICS_PER_BATCH):
            self._rest.post("/runs/log-batch", {"run_id": run_id, "metrics": metrics})
            points += len(metrics)
        return points

    def _experiment(self, record: RunRecord) -> str:
        """Id of the MLflow experiment, created on first use."""
        if found := self._find_experiment(record.experiment_id):
            return found
        name = names.cut(record.experiment_name, names.MAX_NAME - 10)
        tags = [{"key": EXPERIMENT_TAG, "value": record.experiment_id}]
        try:
            return str(self._rest.post("/experiments/create", {"name": name, "tags": tags})["experiment_id"])
        except TrackingRejected as error:
            if error.details["reason"] != "RESOURCE_ALREADY_EXISTS":
                raise
        # Another run of the experiment was faster, or the name is somebody else's (a deleted one keeps it).
        if found := self._find_experiment(record.experiment_id):
            return found
        other = f"{name} ({record.experiment_id[:6]})"
        return str(self._rest.post("/experiments/create", {"name": other, "tags": tags})["experiment_id"])

    def _find_experiment(self, experiment_id: str) -> str:
        search = {"filter": f"tags.`{EXPERIMENT_TAG}` = '{experiment_id}'", "max_results": 1}
        for experiment in self._rest.post("/experiments/search", search).get("experiments", []):
            return str(experiment["experiment_id"])
        return ""


def _metric_rows(record: RunRecord) -> Iterator[rows.Row]:
    keys = names.keys(series.name for series in record.metrics)
    for series in record.metrics:
        for point in series.points:
            yield rows.metric(keys[series.name], point)


def _tags(record: RunRecord) -> dict[str, str]:
    return {
        **record.tags,
        RUN_TAG: record.run_id,
        ATTEMPT_TAG: str(record.attempt),
        "mlplatform.run_url": record.url,
        "mlflow.user": record.user,
        "mlflow.note.content": f"[{record.name} in the portal]({record.url})",
    }


def _attempt(run: Mapping[str, Any]) -> int:
    """Attempt of a run as MLflow answers it; 0 if somebody removed the tag."""
    for tag in run["data"].get("tags", []):
        if tag["key"] == ATTEMPT_TAG and tag["value"].isdecimal():
            return int(tag["value"])
    return 0


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
