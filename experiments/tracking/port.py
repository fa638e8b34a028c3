"""What the portal asks of an experiment tracker, in its own words.

Guarantees that every adapter gives, and that tests/contracts/tracking_store_contract.py checks:
- every verb is safe to repeat: the same record leads to the same run, points, model and version, never two;
- a call that fails half-way is mended by the same call later;
- calls for one run are made one after another (the caller claims the run); different runs may go in parallel;
- errors are TrackingUnavailable (the same call may work later) or TrackingRejected (it never will).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from mlplatform.kernel.errors import PlatformError, Unavailable


class TrackingUnavailable(Unavailable):
    """The tracker does not answer, or answers that it cannot now."""

    code = "tracking_unavailable"


class TrackingRejected(PlatformError):
    """The tracker refused the record; `details["reason"]` is its own word for why."""

    code = "tracking_rejected"
    http_status = 502


class ModelUnusable(TrackingRejected):
    """The checkpoint holds no model that others could load."""

    code = "model_unusable"
    http_status = 422


class RunStatus(StrEnum):
    """How a run ended, in the words that trackers share."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class Point(NamedTuple):
    """One value of a metric; `time` in unix seconds."""

    step: int
    value: float
    time: float


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """History of one metric. Points are read once, in order, so they may come from a cursor."""

    name: str
    points: Iterable[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run that has ended, as the portal knows it. Metric names are unique."""

    run_id: str
    name: str
    url: str
    user: str
    experiment_id: str
    experiment_name: str
    attempt: int
    status: RunStatus
    started_at: datetime
    ended_at: datetime
    params: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[MetricSeries] = ()


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """Where the run is in the tracker, and how many points this call sent."""

    tracking_run_id: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A checkpoint folder with a `model.pt2` that belongs to a recorded run.

    `checkpoint` is a path or fsspec URL, `metrics` are points of the run's history at that checkpoint.
    """

    tracking_run_id: str
    run_id: str
    run_url: str
    checkpoint: str
    step: int
    created_at: datetime
    python_version: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, Point] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """URIs by which the model loads: `uri` names exactly this one, `run_uri` the newest of its run."""

    tracking_run_id: str
    uri: str
    run_uri: str


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version of a registered model, and the URI by which it loads."""

    name: str
    version: int
    uri: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a model: its path below the model, and its bytes."""

    path: str
    size: int


class TrackingStore(Protocol):
    """A tracker of runs and models. Guarantees: see the head of this file."""

    def record_run(self, record: RunRecord) -> RecordedRun:
        """Make the run exist in the tracker with all that the record holds.

        A record of a later attempt replaces the run: the portal may have forgotten points that the earlier
        attempt reported after its last checkpoint.
        """
        ...

    def record_model(self, record: ModelRecord) -> RecordedModel:
        """Store the checkpoint's model as a model of the run. Raises ModelUnusable if it is none."""
        ...

    def register_model(self, *, name: str, model: RecordedModel, description: str) -> RegisteredVersion:
        """Make the model a version of the registered model `name`; the same model keeps its version."""
        ...

    def model_files(self, uri: str) -> Sequence[StoredFile]:
        """The files of a recorded model by path, none if it is gone. `uri` is that of its RecordedModel."""
        ...

    def model_file(self, uri: str, path: str) -> Iterator[bytes]:
        """One of these files in parts; nothing is loaded before the first is asked for.

        The path is one that `model_files` gave: whoever takes it from outside looks there first.
        """
        ...

    def forget_run(self, *, experiment_id: str, run_id: str) -> int:
        """Delete the run with its points, files, models and their versions; the bytes of its files.

        Every attempt of it, also if nothing was ever recorded. A registered model goes with its last version.
        """
        ...

    def forget_experiment(self, experiment_id: str) -> None:
        """Delete the tracker's experiment, after its runs. Nothing there is not an error."""
        ...
