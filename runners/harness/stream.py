"""The background uploader of one run and rank: collects, numbers, sends, and keeps what the portal did not take yet.

Guarantees: batches arrive in order and exactly once per (run, attempt, rank, seq); at most one is in flight; the
training thread never waits for the network except in `finish` and `flush`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from .batches import Draft, essentials, heartbeat, prepend_log, split, summary
from .client import PortalAwayError, PortalClient, Reply
from .output import Output
from .pace import Pace, Retry
from .protocol import Cause, Lease, Outcome
from .spool import Spool

# That wait for a batch; of more the last ones.
MAX_NOTICES = 100


class Stream:
    """One run's stream of one rank. `lost` and `gone` mean that nothing more can be delivered."""

    def __init__(
        self,
        client: PortalClient,
        lease: Lease,
        rank: int,
        *,
        read_output: Callable[[], str] = str,
        take_skipped: Callable[[], tuple[int, int]] = lambda: (0, 0),
        read_system: Callable[[], dict[str, float] | None] = lambda: None,
        on_delivery: Callable[[], None] = lambda: None,
        pace: Pace | None = None,
    ) -> None:
        self.stop_requested = False
        # Unlike a stop, a pause may be taken back before the run has reached a checkpoint.
        self.pause_requested = False
        self.drain_requested = False
        self.lost = False
        self.gone = False
        # What the group is to do next, if `finish` asked for it and the answer came through.
        self.next_order: dict[str, Any] | None = None
        self._client = client
        self._identity = {"attempt": lease.attempt, "fence": lease.fence, "rank": rank}
        self._path = f"/runs/{lease.run_id}/batches"
        self._beats = rank == 0
        self._output = Output(read_output, take_skipped=take_skipped)
        self._read_system = read_system
        self._on_delivery = on_delivery
        self._pace = pace or Pace()
        self._inbox: deque[Callable[[Draft], None]] = deque()
        self._end: dict[str, Any] | None = None
        self._spool = Spool()
        self._draft = Draft()
        self._seq = 1
        self._retry = Retry(self._pace)
        self._last_sent = self._last_heard = time.monotonic()
        self._notices: deque[str] = deque(maxlen=MAX_NOTICES)
        self._ended = False
        self._flushing = False
        self._closing = False
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"mlp-stream-{rank}", daemon=True)

    # -- called by the training thread; none of these blocks -----------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def points(self, step: int, values: dict[str, float], progress: float | None = None) -> None:
        """Queue one report's numbers."""
        when = time.time()
        self._inbox.append(lambda draft: draft.add_points(step, when, values, progress))
        # What comes after a pause is sent at once; what follows soon goes together.
        if time.monotonic() >= max(self._last_sent + self._pace.interval_s, self._retry.at):
            self._wake.set()

    def checkpoint(self, path: str, step: int, metrics: dict[str, float]) -> None:
        """Queue the news that a checkpoint is complete in storage."""
        checkpoint = {"path": path, "step": step, "metrics": metrics}
        self._inbox.append(lambda draft: draft.set_checkpoint(checkpoint))

    def log(self, text: str) -> None:
        """Queue a line of our own for the run's log."""
        when = time.time()
        self._inbox.append(lambda draft: draft.add_log(f"[mlp] {text}\n", when))

    @property
    def over(self) -> bool:
        """Whether the portal will take nothing more for this run."""
        return self.lost or self.gone

    # -- called when the run is over; these wait for the network ---------------------------------------------------

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything queued so far was delivered. False when it was not."""
        if not self._thread.is_alive():
            return False
        self._idle.clear()
        self._flushing = True
        self._wake.set()
        arrived = self._idle.wait(self._pace.flush_s if timeout_s is None else timeout_s)
        return arrived and not self.over

    def finish(
        self,
        outcome: Outcome,
        cause: Cause | None = None,
        timeout_s: float | None = None,
        group: str | None = None,
    ) -> bool:
        """Send the end of the run after everything else. False when the portal did not take it.

        A `group` asks for its next run in the same request.
        """
        end: dict[str, Any] = {"outcome": outcome, "cause": cause.as_json() if cause else None}
        if group:
            end["group"] = group
        self._end = end
        return self.flush(timeout_s) and self._ended

    def close(self) -> None:
        """End the thread; what is still queued is dropped."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=30.0)
        self._spool.clear()

    # -- the uploader thread ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._closing:
                self._wake.wait(self._wait_s())
                self._wake.clear()
                self._turn()
        finally:
            # A defect here must not leave the training thread waiting in `flush`.
            self.lost = self.lost or not self._closing
            self._idle.set()

    def _turn(self) -> None:
        flushing = self._flushing
        self._collect()
        self._send()
        if flushing and (self.over or self._delivered()):
            self._flushing = False
            self._idle.set()

    def _wait_s(self) -> float:
        if not self._flushing:
            return self._pace.interval_s
        return min(self._pace.interval_s, max(0.0, self._retry.at - time.monotonic()))

    def _delivered(self) -> bool:
        left = self._spool or not self._draft.empty or self._inbox or self._end or not self._output.is_drained
        return self._ended or not left

    def _collect(self) -> None:
        # Asked for before the output is read, it comes after all of it.
        end = self._end
        for lines in self._output.lines():
            self._room().add_log(lines, time.time())
        if (end or self._flushing) and self._output.is_drained:
            self._output.finish()
        if (rows := self._output.changed_open()) is not None:
            self._room().set_open(rows)
        if sample := self._read_system():
            when = time.time()
            self._room().add_points(int(when), when, sample, None)
        while self._inbox:
            self._inbox.popleft()(self._room())
        if end and self._output.is_drained:
            self._room().set_end(end)
            self._end = None
        if self.over:
            self._give_up()

    def _room(self) -> Draft:
        """The draft to write into; a full one is spooled first, which keeps the order of items."""
        if self._draft.full:
            self._spool_draft()
        return self._draft

    def _spool_draft(self) -> None:
        payload = self._draft.payload()
        if not self._spool.append(payload):
            self._notice(f"the portal is away and the local spool is full; lost: {summary(payload)}.")
        self._draft = Draft()

    def _send(self) -> None:
        """Send until nothing is left, the portal is away, or it is too early to try again."""
        while not (self.over or self._ended) and time.monotonic() >= self._retry.at:
            if not self._spool and not self._draft.empty:
                self._spool_draft()
            payload = self._spool.head()
            if payload is None:
                if self._beats and time.monotonic() - self._last_heard >= self._pace.heartbeat_s:
                    self._spool.append(heartbeat())
                    continue
                return
            # Before the answer: what is reported until then can wait for the next turn.
            self._last_sent = time.monotonic()
            try:
                reply = self._client.post(
                    self._path, {**self._identity, "seq": self._seq, **self._with_notices(payload)}
                )
            except PortalAwayError as away:
                self._retry.back_off(away.wait_s)
                return
            self._retry.answered()
            self._last_heard = time.monotonic()
            self._handle(reply, payload)

    def _handle(self, reply: Reply, payload: dict[str, Any]) -> None:
        if reply.ok:
            self._accepted(reply.body, payload)
            self.next_order = reply.body.get("next")
            self._on_delivery()
        elif reply.status == 409 and reply.body.get("code") == "fenced":
            self._give_up(lost=True)
        elif reply.status == 409 and reply.body.get("code") == "gap":
            self._renumber(int(reply.body.get("expected") or self._seq), payload)
        elif reply.status == 413 and (parts := split(payload)):
            self._spool.replace_head(parts)
        elif reply.token_dead:
            self._give_up(gone=True)
        else:
            self._refused(reply, payload)

    def _accepted(self, body: dict[str, Any], payload: dict[str, Any]) -> None:
        self._taken(payload)
        self._seq = max(self._seq + 1, int(body.get("expected") or 0))
        order = body.get("order")
        self.stop_requested = self.stop_requested or order == "stop"
        self.pause_requested = order == "pause"
        self.drain_requested = self.drain_requested or order == "drain"

    def _taken(self, payload: dict[str, Any]) -> None:
        self._spool.pop()
        self._notices.clear()
        self._ended = payload["end"] is not None

    def _renumber(self, expected: int, payload: dict[str, Any]) -> None:
        """The portal and we disagree on the next number; numbers are given at send time, so its word simply wins."""
        if expected == self._seq:
            self._retry.back_off()
        elif expected > self._seq:
            # It has our batch already: the answer was lost on the way.
            self._taken(payload)
        elif expected < self._seq:
            self._notice(
                f"the portal expected batch {expected} instead of {self._seq}: it lost what was in between."
            )
        self._seq = expected

    def _refused(self, reply: Reply, payload: dict[str, Any]) -> None:
        self._notice(f"the portal refused batch {self._seq} ({reply.describe()}); lost: {summary(payload)}.")
        self._retry.back_off()
        rest = essentials(payload)
        if rest is None:
            self._spool.pop()
        else:
            self._spool.replace_head([rest])

    def _notice(self, text: str) -> None:
        """Say something in the next batch, whatever it is: a line of its own could come after the run's end."""
        self._notices.append(f"[mlp] {text}\n")

    def _with_notices(self, payload: dict[str, Any]) -> dict[str, Any]:
        return prepend_log(payload, "".join(self._notices), time.time()) if self._notices else payload

    def _give_up(self, *, lost: bool = False, gone: bool = False) -> None:
        self.lost = self.lost or lost
        self.gone = self.gone or gone
        self._spool.clear()
        self._inbox.clear()
        self._draft = Draft()
