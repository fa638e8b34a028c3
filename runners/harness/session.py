"""One run on one rank: what `ray.train.report` and its siblings mean while the run executes. Knows nothing of Ray."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakSet

from .consensus import Agreement, Consensus, Flag
from .metrics import flatten_metrics
from .protocol import Lease, LeaseLost, RunSignal, StopRun
from .stream import Stream

PROGRESS_METRIC = "progress"


class CheckpointStore(Protocol):
    """Where a run's checkpoints live; paths are what the portal stores and later hands back."""

    def persist(self, checkpoint: Any, folder: str) -> str:
        """Copy this rank's files into the run's `folder` (merging with other ranks') and return the folder's path."""

    def adopt(self, checkpoint: Any) -> str:
        """Return the path of a checkpoint that is already in the run's storage; ValueError when it is not."""

    def open(self, path: str) -> Any:
        """Return the checkpoint object for a path."""

    def discard(self, checkpoint: Any) -> None:
        """Delete the worker's own copy of a checkpoint that has been persisted."""


@dataclass(frozen=True, slots=True)
class CheckpointOptions:
    """The parameters of `report` that say how a checkpoint is saved."""

    folder: str | None = None
    upload: bool = True
    delete_local: bool = False
    upload_fn: Callable[[Any, str], Any] | None = None


DEFAULT_OPTIONS = CheckpointOptions()


@dataclass(slots=True)
class Reported:
    """A checkpoint of this run and the metrics that came with it."""

    checkpoint: Any
    metrics: dict[str, Any] = field(default_factory=dict)


class RunSession:
    """Counts reports, saves checkpoints, feeds the stream and carries out the portal's orders."""

    def __init__(self, lease: Lease, consensus: Consensus, stream: Stream, store: CheckpointStore) -> None:
        self.lease = lease
        self.signal: RunSignal | None = None
        self.reported: list[Reported] = []
        self._consensus = consensus
        self._stream = stream
        self._store = store
        self._step = lease.first_step
        self._latest: Any = None
        self._ignored: set[str] = set()
        # Threads of the train function may report too; ranks can only meet if each has one report at a time.
        self._one_at_a_time = threading.RLock()
        self._left = False
        # A warm process may hold threads that an earlier run left behind.
        self._strangers = WeakSet(threading.enumerate())
        self._strangers.discard(threading.current_thread())

    def checkpoint(self) -> Any:
        """The last checkpoint: reported in this attempt, else the one this attempt resumes from, else None."""
        if self._latest is None and self.lease.checkpoint_path:
            self._latest = self._store.open(self.lease.checkpoint_path)
        return self._latest

    def report(
        self, metrics: Mapping[str, Any], checkpoint: Any = None, options: CheckpointOptions = DEFAULT_OPTIONS
    ) -> None:
        """Queue metrics, save the checkpoint, meet the other ranks; raise when the portal ended the run."""
        if threading.current_thread() in self._strangers:
            raise RuntimeError("This thread was started by an earlier run, so it cannot report to this one.")
        with self._one_at_a_time:
            self._report(metrics, checkpoint, options)

    def leave(self) -> Agreement:
        """Wait until every rank has left its train function; ranks that still report are kept company meanwhile."""
        with self._one_at_a_time:
            self.close()
        while True:
            agreed = self._consensus.agree(self._orders())
            if Flag.REPORTING not in agreed:
                return agreed
            if Flag.CHECKPOINT in agreed and agreed.same_name:
                # Those that report tell each other the path next.
                self._consensus.share(None, root=agreed.lowest_rank(Flag.CHECKPOINT))

    def close(self) -> None:
        """From now on refuse reports."""
        self._left = True

    def _report(self, metrics: Mapping[str, Any], checkpoint: Any, options: CheckpointOptions) -> None:
        if self._left:
            raise RuntimeError("The train function has returned, so nothing more can be reported to its run.")
        if self.signal is not None:
            # The train function swallowed the signal and went on: say it again, without the other ranks.
            raise self.signal
        self._step += 1
        values, ignored = flatten_metrics(metrics)
        self._mention(ignored)
        folder = options.folder or f"{self.lease.attempt}-{self._step:06d}"
        path = self._save(checkpoint, folder, options) if checkpoint is not None else None
        agreed = self._agree(path)
        if self._consensus.rank == 0:
            self._stream.points(self._step, values, self._progress(values))
        if Flag.CHECKPOINT in agreed:
            self._remember(
                self._consensus.share(path, root=agreed.lowest_rank(Flag.CHECKPOINT)), metrics, values
            )
        self._obey(agreed)

    def _agree(self, path: str | None) -> Agreement:
        flags = [Flag.REPORTING, *self._orders()]
        if path is not None:
            flags.append(Flag.CHECKPOINT)
        agreed = self._consensus.agree(flags, checkpoint_name=path)
        if Flag.CHECKPOINT in agreed and not agreed.same_name:
            raise ValueError(
                "ray.train.report got a different checkpoint_dir_name on different ranks; pass the same name on all."
            )
        return agreed

    def _orders(self) -> list[Flag]:
        flags = []
        if self._stream.stop_requested:
            flags.append(Flag.STOP)
        # Only rank 0 asks often enough to hear in time that a pause was taken back.
        if self._stream.pause_requested and self._consensus.rank == 0:
            flags.append(Flag.PAUSE)
        if self._stream.over:
            flags.append(Flag.LOST)
        return flags

    def _obey(self, agreed: Agreement) -> None:
        if Flag.LOST in agreed:
            self.signal = LeaseLost(
                f"the portal has taken run {self.lease.name!r} away from this worker group"
            )
        elif Flag.STOP in agreed:
            self.signal = StopRun(f"the portal asked run {self.lease.name!r} to stop")
        elif Flag.PAUSE in agreed and Flag.CHECKPOINT in agreed:
            # Nothing of what was trained is lost: every rank is at the report that saved it.
            self.signal = StopRun(f"the portal paused run {self.lease.name!r}")
        if self.signal is not None:
            raise self.signal

    def _save(self, checkpoint: Any, folder: str, options: CheckpointOptions) -> str:
        if not options.upload:
            return self._store.adopt(checkpoint)
        if options.upload_fn is not None:
            return self._store.adopt(options.upload_fn(checkpoint, folder))
        path = self._store.persist(checkpoint, folder)
        if options.delete_local:
            self._store.discard(checkpoint)
        return path

    def _remember(self, path: str, metrics: Mapping[str, Any], values: dict[str, float]) -> None:
        self._latest = self._store.open(path)
        self.reported.append(Reported(self._latest, dict(metrics)))
        if self._consensus.rank == 0:
            self._stream.checkpoint(path, self._step, values)

    def _progress(self, values: dict[str, float]) -> float | None:
        if PROGRESS_METRIC in values:
            return min(1.0, max(0.0, values[PROGRESS_METRIC]))
        if self.lease.progress_total:
            return min(1.0, self._step / self.lease.progress_total)
        return None

    def _mention(self, ignored: list[str]) -> None:
        for name in ignored:
            if name not in self._ignored and self._consensus.rank == 0:
                self._ignored.add(name)
                self._stream.log(
                    f"metric {name[:80]!r} is not recorded: it is not a number, or its name is empty or too long."
                )
