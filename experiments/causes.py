"""Why runs end badly, in the platform's own words. Pure: no queries."""

import re
from dataclasses import dataclass

from experiments.models import Experiment
from experiments.models.experiment import Direction


@dataclass(frozen=True)
class Cause:
    """Why a run ended badly: a stable code, a sentence, and the traceback if user code raised."""

    code: str
    message: str
    traceback: str = ""


# What the platform itself says about an attempt that was lost.
LOST = {
    "worker_died": "The training process died without raising: killed by the system (often for lack of memory) "
    "or by its own code.",
    "out_of_memory": "The machine ran out of memory, and the training process was ended to save the others on it.",
    "node_lost": "The machine that it ran on is gone: it failed, was switched off or was taken back.",
    "lease_lost": "Nothing was heard of the training process for too long.",
    "backend_lost": "The backend lost the job: it was restarted or stopped.",
    "stop_timeout": "It did not stop in time when asked to, so its job was stopped.",
}

# What the run may have done itself; the rest is the operator's, the backend's or the machine's.
DEATHS = frozenset({"worker_died", "out_of_memory"})


# How Ray says that it could not install the requirements or fetch the code.
_ENVIRONMENT_FAILED = re.compile(
    r"runtime_env setup failed|RuntimeEnvSetupError|[Ff]ailed to set ?up runtime environment"
)

# The installer's own verdict on the requirements, and how it says that it could not reach an index or its disk: in that
# case pip ends with the same verdict, "No matching distribution found".
_REFUSED = re.compile(r"^\s*error: |No matching distribution|Changing the ray version", re.I | re.M)
_AWAY = re.compile(
    r"connection (broken|refused|reset|aborted|timed out)|ConnectionError|timed? ?out|name resolution|name or service"
    r"|unreachable|could not fetch url|max retries exceeded|OSError|http error 5\d\d|\b5\d\d server error",
    re.I,
)


def lost_cause(reason: str, detail: str = "") -> Cause:
    """The attempt is gone though nobody ended it; its lease was released with `reason` and `detail`."""
    return Cause(reason, LOST.get(reason, LOST["backend_lost"]), detail)


def poison_cause(cause: Cause, losses: int) -> Cause:
    """The last of several deaths in a row, after which the run is given up."""
    message = f"{cause.message} It took down {losses} worker groups in a row and is not tried again."
    return Cause(cause.code, message, cause.traceback)


def lost_too_often_cause(cause: Cause, lost: int) -> Cause:
    """The last of too many losses in all, whoever is to blame for them."""
    message = f"{cause.message} It was lost {lost} times in all and is not tried again."
    return Cause(cause.code, message, cause.traceback)


def both_causes(cause: Cause | None, lost: Cause | None) -> Cause | None:
    """Why a run ended that was asked to and was lost before it did: a job that had to be stopped is worth a word."""
    if lost is None or lost.code != "stop_timeout":
        return cause
    return Cause(cause.code, f"{cause.message} {lost.message}", cause.traceback) if cause else lost


def start_is_hopeless(words: str) -> bool:
    """Whether a job that ended with these words of the backend would end so each time: its requirements are at fault.

    In doubt it is not, for another try costs seconds.
    """
    return bool(_ENVIRONMENT_FAILED.search(words) and _REFUSED.search(words) and not _AWAY.search(words))


def start_cause(end_reason: str, backend: str, words: str) -> Cause:
    """Jobs ended before they could lease anything, the last with these words of the backend."""
    if _ENVIRONMENT_FAILED.search(words):
        message = "The environment of the job could not be set up: its requirements could not be installed."
        return Cause("environment_failed", f"{message} The installer's words are below.", words)
    if end_reason == "start_timeout":
        message = f"The job was taken by the backend {backend}, but its workers did not start in time."
        return Cause("start_timeout", f"{message} What is known of it is below.", words)
    message = f"The job could not be started at the backend {backend}. Its last words are below; "
    return Cause("submit_failed", f"{message}retry when it is mended.", words)


def bundle_cause(words: str) -> Cause:
    """The code that the experiment was launched with cannot be read any more."""
    return Cause("bundle_broken", words)


def objective_cause(metric: str, point: tuple[int, float] | None, traceback: str) -> Cause:
    """The objective became NaN or infinite at a point (step, value)."""
    where = f"{point[1]:g} at step {point[0]}" if point else "not finite"
    message = f"The objective {metric} was {where}, so training on would lead nowhere."
    return Cause("objective_not_finite", message, traceback)


def budget_cause(experiment: Experiment) -> Cause:
    """The experiment has been active for as long as it may be."""
    hours = (experiment.max_seconds or 0) / 3600
    return Cause(
        "budget_time", f"The experiment has used up its {hours:g} hours, so its open runs were stopped."
    )


def target_cause(experiment: Experiment) -> Cause:
    """Another run is good enough."""
    than = "at least" if experiment.objective_direction == Direction.MAXIMIZE else "at most"
    target = f"{experiment.objective_metric} {than} {experiment.target}"
    return Cause("target_reached", f"A run has reached the target ({target}), so the others were stopped.")
