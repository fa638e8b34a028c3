"""Files of the model that a run left in the tracker. Each call asks the tracker, over the network."""

from collections.abc import Iterator, Sequence

from experiments.models import Run
from experiments.tracking.port import StoredFile
from experiments.tracking.registry import tracking_store
from mlplatform.kernel.errors import NotFound


def model_uri(run: Run) -> str:
    """Where the tracker has the run's model, empty if there is none. Reads run.tracking_sync, so select it along."""
    sync = getattr(run, "tracking_sync", None)
    return sync.model_uri if sync is not None else ""


def artifacts(run: Run) -> Sequence[StoredFile]:
    """By path; none without a model. Raises TrackingUnavailable and TrackingRejected."""
    uri = model_uri(run)
    return tracking_store().model_files(uri) if uri else []


def artifact(run: Run, path: str) -> Iterator[bytes]:
    """One of them in parts. Raises NotFound for any path that is not listed, whatever it looks like."""
    if path not in {file.path for file in artifacts(run)}:
        raise NotFound(f"Run #{run.number} has no such file in the tracker.")
    return tracking_store().model_file(model_uri(run), path)
