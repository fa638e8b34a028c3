"""Forgetting an experiment in MLflow, with its registered versions, models, artifacts and runs.

The experiment itself goes last, so that a call that broke off finds it again. Artifacts are deleted for real. MLflow
has no call that deletes the rows of runs and models: it hides them, until its operator runs `mlflow gc`.
"""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from experiments.tracking import names
from experiments.tracking.port import TrackingRejected
from experiments.tracking.rest import MlflowRest

PAGE = 1000
_MODELS_PAGE = 50
_MISSING = "RESOURCE_DOES_NOT_EXIST"


class MlflowDeletion:
    """The part of the adapter that deletes."""

    def __init__(self, rest: MlflowRest) -> None:
        self._rest = rest

    def forget(self, experiment: dict[str, Any], models: Collection[str]) -> int:
        """Delete everything of an experiment as MLflow answers it; the bytes of its artifacts."""
        mlflow_id = str(experiment["experiment_id"])
        runs = {run["info"]["run_id"] for run in self._runs(mlflow_id)}
        for name in models:
            self._unregister(names.model_name(name), runs)
        for model in list(self._models(mlflow_id)):
            self._gone("DELETE", f"/logged-models/{model['info']['model_id']}")
        freed = self._delete_artifacts(str(experiment.get("artifact_location", "")))
        # Its runs go with it.
        self._gone("POST", "/experiments/delete", {"experiment_id": mlflow_id})
        return freed

    def _runs(self, mlflow_id: str) -> Iterator[dict[str, Any]]:
        search = {"experiment_ids": [mlflow_id], "run_view_type": "ALL", "max_results": PAGE}
        return self._pages("/runs/search", search, "runs")

    def _models(self, mlflow_id: str) -> Iterator[dict[str, Any]]:
        search = {"experiment_ids": [mlflow_id], "max_results": _MODELS_PAGE}
        return self._pages("/logged-models/search", search, "models")

    def _pages(self, path: str, search: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            answer = self._rest.post(path, {**search, **({"page_token": token} if token else {})})
            yield from answer.get(key, [])
            token = answer.get("next_page_token", "")
            if not token:
                return

    def _unregister(self, name: str, runs: Collection[str]) -> None:
        """Delete the versions that came from these runs, and the model if it has no other."""
        versions = self._versions(name)
        going = [version for version in versions if version.get("run_id") in runs]
        for version in going:
            self._gone("DELETE", "/model-versions/delete", {"name": name, "version": version["version"]})
        if len(going) == len(versions):
            self._gone("DELETE", "/registered-models/delete", {"name": name})

    def _versions(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            more = {"page_token": token} if token else {}
            wanted = "name = '" + name.replace("'", "''") + "'"
            answer = self._rest.get("/model-versions/search", filter=wanted, **more)
            found += answer.get("model_versions", [])
            token = answer.get("next_page_token", "")
            if not token:
                return found

    def _delete_artifacts(self, location: str) -> int:
        """Those that lie with the server; elsewhere the portal has put none."""
        parts = urlsplit(location)
        root = parts.path.strip("/")
        if parts.scheme != "mlflow-artifacts" or not root:
            return 0
        size, is_there = self._size(root)
        if is_there:
            self._rest.delete_artifacts(root)
        return size

    def _size(self, folder: str) -> tuple[int, bool]:
        """Bytes of the files below a folder, and whether there is anything."""
        files = self._rest.artifacts(folder)
        size = 0
        for file in files:
            if file.get("is_dir"):
                size += self._size(f"{folder}/{file['path']}")[0]
            else:
                size += int(file.get("file_size", 0))
        return size, bool(files)

    def _gone(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Delete it, or find that somebody did."""
        try:
            self._rest.call(method, path, body)
        except TrackingRejected as error:
            if error.details["reason"] != _MISSING:
                raise
