"""Tells the portal at once when Ray finds that a worker group has died, and why; nobody in the group could any more."""

import time
from collections.abc import Iterable

import ray.exceptions
import ray.train

from .client import PortalAwayError, PortalClient
from .protocol import RecycleGroupError, RunFailedError

# The controller starts the next group only after this, so it must not take long. A portal that stays away learns of the
# death from the next group's lease request.
TRIES = 3
TIMEOUT_S = 3.0
RETRY_S = 0.5
MAX_MESSAGE = 4_000

NODE_LOST_WORDS = ("its node has died", "node was terminated")
# Not "OOM killer": Ray names that as a possible reason of every unexplained death.
OUT_OF_MEMORY_WORDS = ("NODE_OUT_OF_MEMORY", "node running low on memory")
# Best known first.
CODES = ("out_of_memory", "node_lost", "worker_died")


class DeathReporter(ray.train.UserCallback):
    """Runs in Ray Train's controller, which outlives the group. Never raises: that would end the job."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def after_exception(self, run_context: object, worker_exceptions: dict[int, Exception]) -> None:
        """Report a death; a failed run and a recycled group are none, the portal knows of them."""
        noticed = time.monotonic()
        errors = [_innermost(error) for error in worker_exceptions.values()]
        if any(isinstance(error, RunFailedError | RecycleGroupError) for error in errors):
            return
        code, message = classify(errors)
        client = PortalClient(self._url, self._token, timeout_s=TIMEOUT_S)
        for _ in range(TRIES):
            # The age keeps a late report from ending what the next group has leased meanwhile.
            report = {"code": code, "message": message, "age_s": time.monotonic() - noticed}
            try:
                client.post("/deaths", report)
                break
            except PortalAwayError:
                time.sleep(RETRY_S)
        client.close()


def classify(errors: Iterable[Exception]) -> tuple[str, str]:
    """The best known reason among those of all ranks, and Ray's words about it."""
    known = [(_code_of(error), str(error)) for error in errors]
    code, message = min(known, key=lambda pair: CODES.index(pair[0]))
    return code, message[-MAX_MESSAGE:]


def _code_of(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ray.exceptions.OutOfMemoryError) or any(
        word in text for word in OUT_OF_MEMORY_WORDS
    ):
        return "out_of_memory"
    preempted = isinstance(error, ray.exceptions.RayActorError) and error.preempted
    if (
        isinstance(error, ray.exceptions.NodeDiedError)
        or preempted
        or any(word in text for word in NODE_LOST_WORDS)
    ):
        return "node_lost"
    return "worker_died"


def _innermost(error: Exception) -> Exception:
    """Ray wraps what a train function raised with its traceback, and a dead actor as a failed health check."""
    wrapped = getattr(error, "_base_exc", None) or getattr(error, "health_check_failure", None)
    return wrapped if isinstance(wrapped, Exception) else error
