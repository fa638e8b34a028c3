"""Executes one leased run on one rank, from the seeds to the outcome that the portal has confirmed."""

import inspect
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import torch.distributed as dist

from .capture import OutputCapture
from .causes import cause_of
from .client import PortalClient
from .code import CodeError, load_entrypoint, user_code
from .consensus import Consensus, Flag
from .leasing import Leasing
from .protocol import Allocation, Lease, LeaseLost, Outcome, RecycleGroupError, RunFailedError, StopRun
from .pulse import Pulse
from .seeds import ProcessState, seed_everything
from .session import RunSession
from .star import PeerLostError
from .stream import Stream
from .system_metrics import UNREADABLE, Sampler
from .threads import outliving
from .train_fn_utils import RayCheckpointStore, bind_train_functions

# Rank 0 gets this long to upload what it reported, or to fail with the same error, before another rank ends the run:
# more than its longest pause between two tries.
OTHER_RANK_DELAY_S = 2.5
# A rank whose peer vanished gets killed by Ray within about a second; only if that does not happen is the broken
# connection itself the cause.
PEER_LOSS_DELAY_S = 20.0
WAIT_NOTICE_S = 60.0

_PEER_LOSS = re.compile(
    r"gloo/transport|Connection (closed|reset) by peer|NCCL|ncclRemoteError", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs of this worker group execute."""

    allocation: Allocation
    client: PortalClient
    consensus: Consensus
    state: ProcessState
    # Rank 0's only; the other ranks' silence is nobody's concern.
    leasing: Leasing | None = None
    pulse: Pulse | None = None
    sampler: Sampler | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What rank 0 learned while the run was finishing."""

    gone: bool = False
    drain: bool = False
    unreachable: bool = False
    next_order: dict[str, Any] | None = None


class Execution:
    """One run on one rank."""

    def __init__(self, place: Place, lease: Lease) -> None:
        self._place = place
        self._lease = lease
        self._consensus = place.consensus
        self._capture = OutputCapture()
        self._sampler = place.sampler
        if self._sampler:
            self._sampler.begin()
        self._stream = Stream(
            place.client,
            lease,
            self._consensus.rank,
            read_output=self._read_output,
            take_skipped=self._capture.take_skipped,
            read_system=self._read_system,
            on_delivery=place.pulse.heard if place.pulse else lambda: None,
        )
        self._store = RayCheckpointStore(place.allocation.storage_path, lease.run_id)
        self._session = RunSession(lease, self._consensus, self._stream, self._store)
        self._noticed = False

    def run(self) -> Ending:
        """Execute the run. Raises RunFailedError or RecycleGroupError when this worker group must be replaced."""
        if self._place.pulse:
            self._place.pulse.begin(self._lease)
        self._capture.start()
        self._stream.start()
        try:
            failure = self._call_user_code()
            if isinstance(failure, ImportFailedError):
                return self._end_unimported(failure)
            if failure is not None and self._session.signal is None:
                self._end_failed(failure)
            return self._end_together()
        finally:
            if self._place.pulse:
                self._place.pulse.rest()
            self._session.close()
            self._stream.close()
            self._capture.close()
            self._place.state.restore()

    def _call_user_code(self) -> BaseException | None:
        """Import and call the train function; return what it raised."""
        bind_train_functions(self._session, self._store)
        with user_code():
            seed_everything(self._lease.seed)
            failure: BaseException | None = None
            function: Callable[[], Any] | None = None
            try:
                function = bind(load_entrypoint(self._lease.entrypoint), self._lease)
            except BaseException as error:  # noqa: BLE001  # user code may raise anything, SystemExit included
                failure = error
            # No rank may enter the train function while another cannot: it would wait in its first all-reduce.
            agreed = self._consensus.agree([Flag.FAILED] if failure else [])
            if Flag.FAILED in agreed:
                if failure is not None:
                    cause = cause_of(failure, importing=True)
                    sys.stderr.write(cause.traceback or f"{cause.message}\n")
                return ImportFailedError(failure, agreed.lowest_rank(Flag.FAILED))
            assert function is not None
            try:
                function()
            except BaseException as error:  # noqa: BLE001  # as above
                return error
        return None

    def _end_together(self) -> Ending:
        """Completed, stopped or lost: all ranks are here, and the group goes on to the next run."""
        self._session.leave()
        left = self._leaves_threads()
        if self._consensus.rank > 0:
            self._flush_logs()
        self._capture.stop()
        # Rank 0's end must come after the other ranks' last lines, and it must know whether it may ask for more.
        worn_out = self._worn_out(left)
        signal = self._session.signal
        delivered = True
        if self._consensus.rank == 0 and not isinstance(signal, LeaseLost):
            outcome: Outcome = "stopped" if isinstance(signal, StopRun) else "completed"
            leasing = None if worn_out else self._place.leasing
            delivered = self._stream.finish(outcome, group=leasing.group if leasing else None)
        return self._leave_group(worn_out) if worn_out else self._ending(delivered)

    def _end_unimported(self, failure: "ImportFailedError") -> Ending:
        """The code cannot be imported: its train function has not run, so the group may stay usable."""
        left = self._leaves_threads()
        self._flush_logs()
        worn_out = self._worn_out(left)
        delivered = True
        if self._consensus.rank == failure.rank and failure.error is not None:
            delivered = self._stream.finish("failed", cause_of(failure.error, importing=True))
        return self._leave_group(worn_out) if worn_out else self._ending(delivered)

    def _end_failed(self, error: BaseException) -> None:
        """This rank failed and the others may hang: tell the portal, then have Ray replace the group."""
        if self._consensus.world_size > 1 and is_peer_loss(error):
            self._stream.log("the connection to another worker broke; waiting to learn why.")
            time.sleep(PEER_LOSS_DELAY_S)
        elif self._consensus.rank > 0:
            self._let_rank_0_deliver()
        cause = cause_of(error, importing=False)
        sys.stderr.write(cause.traceback)
        self._capture.stop()
        self._stream.finish("failed", cause)
        # Only text crosses to Ray's controller: it cannot unpickle an exception class of the user's.
        raise RunFailedError(f"run {self._lease.run_id} failed ({cause.code}): {cause.message}") from None

    def _let_rank_0_deliver(self) -> None:
        """The metrics and checkpoints are rank 0's, which dies with the group: wait until it can have sent them."""
        # Returns when the portal answers this rank, so after an outage of it.
        self._stream.flush()
        time.sleep(OTHER_RANK_DELAY_S)

    def _flush_logs(self) -> None:
        """Deliver everything but the end."""
        self._capture.stop()
        if not isinstance(self._session.signal, LeaseLost):
            self._stream.flush()

    def _leaves_threads(self) -> bool:
        """Whether code of the run goes on on this rank; if so, its log says it."""
        names = outliving()
        if names:
            self._stream.log(
                f"threads that the code has started go on after its end ({', '.join(names)}). So that they do not "
                "disturb the next run, it gets new processes, which takes longer. Join them before returning."
            )
        return bool(names)

    def _worn_out(self, leaves_threads: bool) -> str:
        """Why this group must not be used again; empty if it may. The same on all ranks."""
        is_dirty = leaves_threads or not dist.is_initialized()
        if Flag.DIRTY in self._consensus.agree([Flag.DIRTY] if is_dirty else []):
            return "the code destroyed torch's process group, or threads of it go on"
        return (
            "the experiment asks for a fresh process per run" if self._place.allocation.fresh_process else ""
        )

    def _leave_group(self, worn_out: str) -> NoReturn:
        # Ray ends the whole group as soon as one rank raises.
        self._consensus.agree([])
        raise RecycleGroupError(worn_out)

    def _ending(self, delivered: bool) -> Ending:
        stream = self._stream
        return Ending(
            gone=stream.gone,
            drain=stream.drain_requested,
            unreachable=not delivered and not stream.over,
            next_order=stream.next_order,
        )

    def _read_output(self) -> str:
        """The uploader's view of what was printed; it also notices a rank that waits for others in `report`."""
        since = self._consensus.waiting_since
        if since is None:
            self._noticed = False
        elif not self._noticed and time.monotonic() - since > WAIT_NOTICE_S:
            self._noticed = True
            self._stream.log(
                f"rank {self._consensus.rank} has waited {WAIT_NOTICE_S:.0f} s for the other ranks; "
                "every rank must call ray.train.report the same number of times."
            )
        return self._capture.read()

    def _read_system(self) -> dict[str, float] | None:
        """The uploader's view of the machine. One that cannot be looked at must not cost the run."""
        if self._sampler is None:
            return None
        try:
            return self._sampler.due()
        except UNREADABLE as error:
            self._sampler = None
            self._stream.log(f"what this worker uses of its machine cannot be told: {error!r}.")
            return None


class ImportFailedError(Exception):
    """At least one rank could not import the entrypoint; `error` is this rank's, if it is one of them."""

    def __init__(self, error: BaseException | None, rank: int) -> None:
        super().__init__(f"rank {rank} could not import the entrypoint")
        self.error = error
        self.rank = rank


def bind(function: Callable[..., Any], lease: Lease) -> Callable[[], Any]:
    """Give the train function its config the way Ray Train does; CodeError when it wants something else."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return lambda: function(lease.config)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [
        p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(required) > 1 or any(p.kind is p.KEYWORD_ONLY for p in required):
        names = ", ".join(p.name for p in required)
        raise CodeError(f"{lease.entrypoint!r} must take one argument, config; it requires: {names}.")
    if required or (positional and positional[0].name == "config"):
        return lambda: function(lease.config)
    return function


def is_peer_loss(error: BaseException) -> bool:
    """Whether the error looks like a collective that broke because another worker is gone."""
    if isinstance(error, PeerLostError):
        return True
    return isinstance(error, RuntimeError) and bool(_PEER_LOSS.search(str(error)))
