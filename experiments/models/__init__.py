"""Tables of the experiments app."""

from experiments.models.bundle import Bundle
from experiments.models.deletion import Deletion, Purge
from experiments.models.experiment import Direction, Experiment
from experiments.models.log import LogChunk, LogStream
from experiments.models.registry import ModelVersion, TrackingSync
from experiments.models.run import Attempt, Run, RunEvent, RunParam
from experiments.models.telemetry import (
    Checkpoint,
    DiscardedFolder,
    IngestStream,
    MetricBatch,
    RunMetric,
)
from experiments.models.view import RunView

__all__ = [
    "Attempt",
    "Bundle",
    "Checkpoint",
    "Deletion",
    "Direction",
    "DiscardedFolder",
    "Experiment",
    "IngestStream",
    "LogChunk",
    "LogStream",
    "MetricBatch",
    "ModelVersion",
    "Purge",
    "Run",
    "RunEvent",
    "RunMetric",
    "RunParam",
    "RunView",
    "TrackingSync",
]
