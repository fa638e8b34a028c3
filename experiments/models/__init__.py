"""Tables of the experiments app."""

from experiments.models.bundle import Bundle
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
    "Direction",
    "DiscardedFolder",
    "Experiment",
    "IngestStream",
    "LogChunk",
    "LogStream",
    "MetricBatch",
    "ModelVersion",
    "Run",
    "RunEvent",
    "RunMetric",
    "RunParam",
    "RunView",
    "TrackingSync",
]
