"""Models in MLflow 3: a logged model of the run, and versions of a registered model that point at it.

A logged model (`models:/m-...`) rather than files among the run's artifacts, because MLflow 3's pages (Models
tab of the experiment, "Logged models" of the run, source of a version) are made of them; `runs:/<run>/model`
finds it too.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from experiments.tracking import names, packaging, rows
from experiments.tracking.mlflow_files import MlflowFiles, proxied
from experiments.tracking.port import (
    ModelRecord,
    RecordedModel,
    RegisteredVersion,
    StoredFile,
    TrackingRejected,
)
from experiments.tracking.rest import MlflowRest, suppress_missing

MODEL_NAME = "model"
CHECKPOINT_TAG = "mlplatform.checkpoint"
_READY = "LOGGED_MODEL_READY"


class MlflowModels:
    """The part of the adapter that deals with models."""

    def __init__(self, rest: MlflowRest) -> None:
        self._rest = rest
        self._files = MlflowFiles(rest)

    def record(self, record: ModelRecord) -> RecordedModel:
        """Upload the checkpoint's model and mark it ready; a ready one is left alone."""
        run = self._rest.get("/runs/get", run_id=record.tracking_run_id)["run"]
        model = self._find(record, run["info"]["experiment_id"])
        if model is None or model["status"] != _READY:
            checkpoint = packaging.open_checkpoint(record.checkpoint)
            model = model or self._create(record, run["info"]["experiment_id"])
            self._upload(record, checkpoint, model)
            self._link(record, run, model["model_id"])
            self._finish(model["model_id"])
        uri = f"models:/{model['model_id']}"
        return RecordedModel(record.tracking_run_id, uri, f"runs:/{record.tracking_run_id}/{MODEL_NAME}")

    def register(self, *, name: str, model: RecordedModel, description: str) -> RegisteredVersion:
        """Create the registered model and the version, unless there is one with this source."""
        name = names.model_name(name)
        try:
            self._rest.post("/registered-models/create", {"name": name})
        except TrackingRejected as error:
            if error.details["reason"] != "RESOURCE_ALREADY_EXISTS":
                raise
        found = self._rest.get("/model-versions/search", filter=f"run_id = '{model.tracking_run_id}'")
        for version in found.get("model_versions", []):
            if version["name"] == name and version["source"] == model.uri:
                return _version(version)
        creation = {
            "name": name,
            "source": model.uri,
            "run_id": model.tracking_run_id,
            "model_id": model.uri.removeprefix("models:/"),
            "description": names.cut(description, names.MAX_TAG_VALUE),
        }
        return _version(self._rest.post("/model-versions/create", creation)["model_version"])

    def files(self, uri: str) -> list[StoredFile]:
        """Files of a logged model."""
        return self._files.below(self._location(uri))

    def chunks(self, uri: str, path: str) -> Iterator[bytes]:
        """One of them."""
        yield from self._files.chunks(self._location(uri), path)

    def forget(self, tracking_run_id: str, experiment_id: str) -> int:
        """Delete the models of a run and the versions made from them; the bytes of their files."""
        found = self._rest.get("/model-versions/search", filter=f"run_id = '{tracking_run_id}'")
        names_of = {str(version["name"]) for version in found.get("model_versions", [])}
        for version in found.get("model_versions", []):
            body = {"name": version["name"], "version": str(version["version"])}
            self._rest.delete("/model-versions/delete", body)
        for name in names_of:
            left = self._rest.get("/model-versions/search", filter=f"name = '{name}'", max_results="1")
            if not left.get("model_versions"):
                self._rest.delete("/registered-models/delete", {"name": name})
        freed = 0
        search = {"experiment_ids": [experiment_id], "filter": f"source_run_id = '{tracking_run_id}'"}
        for model in self._rest.post("/logged-models/search", search).get("models", []):
            freed += self._files.remove(model["info"]["artifact_uri"])
            self._rest.delete(f"/logged-models/{model['info']['model_id']}", {})
        return freed

    def _location(self, uri: str) -> str:
        """Where the files of a model are; empty if it is gone."""
        with suppress_missing():
            answer = self._rest.get(f"/logged-models/{quote(uri.removeprefix('models:/'), safe='')}")
            return str(answer["model"]["info"]["artifact_uri"])
        return ""

    def _find(self, record: ModelRecord, experiment_id: str) -> dict[str, Any] | None:
        search = {"experiment_ids": [experiment_id], "filter": f"source_run_id = '{record.tracking_run_id}'"}
        for model in self._rest.post("/logged-models/search", search).get("models", []):
            info: dict[str, Any] = model["info"]
            if {"key": CHECKPOINT_TAG, "value": record.checkpoint} in info.get("tags", []):
                return info
        return None

    def _create(self, record: ModelRecord, experiment_id: str) -> dict[str, Any]:
        tags = {
            CHECKPOINT_TAG: record.checkpoint,
            "mlplatform.run_id": record.run_id,
            "mlplatform.run_url": record.run_url,
            "mlplatform.step": str(record.step),
        }
        creation = {
            "experiment_id": experiment_id,
            "name": MODEL_NAME,
            "model_type": "pytorch",
            "source_run_id": record.tracking_run_id,
            "params": rows.params(record.params)[: rows.PAIRS_PER_BATCH],
            "tags": rows.tags(tags),
        }
        info: dict[str, Any] = self._rest.post("/logged-models", creation)["model"]["info"]
        return info

    def _upload(self, record: ModelRecord, checkpoint: packaging.Checkpoint, model: dict[str, Any]) -> None:
        root = proxied(model["artifact_uri"])
        if root is None:
            raise TrackingRejected(
                f"MLflow keeps artifacts at {model['artifact_uri']}, where the portal cannot write; start its"
                " server with --serve-artifacts and no --default-artifact-root",
                reason="artifact_location",
            )
        origin = packaging.Origin(
            model_id=model["model_id"],
            run_id=record.tracking_run_id,
            location=model["artifact_uri"],
            mlflow_version=self._rest.version(),
            python_version=record.python_version,
            created_at=record.created_at,
            metadata={"run_id": record.run_id, "run_url": record.run_url, "step": record.step},
        )
        files = packaging.folder_files(checkpoint, origin)
        self._rest.upload(f"{root}/data/{packaging.MODEL_FILE}", checkpoint.chunks(), checkpoint.size)
        for path, content in files.items():
            self._rest.upload(f"{root}/{path}", content, len(content))

    def _finish(self, model_id: str) -> None:
        """Mark the model ready: the last step, so that a ready model is a complete one."""
        self._rest.patch(f"/logged-models/{model_id}", {"model_id": model_id, "status": _READY})

    def _link(self, record: ModelRecord, run: dict[str, Any], model_id: str) -> None:
        """Show the model among the run's outputs, and the run's metrics at that step beside the model."""
        outputs = run.get("outputs", {}).get("model_outputs", [])
        if model_id not in {output["model_id"] for output in outputs}:
            output = {"model_id": model_id, "step": record.step}
            self._rest.post("/runs/outputs", {"run_id": record.tracking_run_id, "models": [output]})
        keys = names.keys(record.metrics)
        points = record.metrics.items()
        metrics = [{**rows.metric(keys[name], point), "model_id": model_id} for name, point in points]
        for batch in rows.batches(metrics, rows.METRICS_PER_BATCH):
            self._rest.post("/runs/log-batch", {"run_id": record.tracking_run_id, "metrics": batch})


def _version(answer: dict[str, Any]) -> RegisteredVersion:
    name, version = str(answer["name"]), int(answer["version"])
    return RegisteredVersion(name, version, f"models:/{name}/{version}")
