"""The Runner port: what an adapter must be able to do with a job, and nothing more."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from mlplatform.kernel.errors import PlatformError, Unavailable


class RunnerUnavailable(Unavailable):
    """The backend does not answer now. The same call may work later."""

    code = "backend_unavailable"


class JobUnclear(RunnerUnavailable):
    """The backend answers, but with nothing usable about this job; it may about others."""

    code = "job_unclear"


class RunnerRefused(PlatformError):
    """The backend answered, and will not do it."""

    code = "backend_refused"
    http_status = 502


class JobStatus(StrEnum):
    """State of a job at the backend. MISSING: the backend does not know it (any more)."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    MISSING = "missing"


@dataclass(frozen=True)
class JobSpec:
    """A job to submit. `working_dir` is the URL of a zip; `environment` becomes environment variables.

    `requirements` are lines of a requirements.txt that the backend installs before the entrypoint starts.
    """

    submission_id: str
    entrypoint: str
    working_dir: str
    environment: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobPoll:
    """Status of a job and the backend's own words about it."""

    status: JobStatus
    message: str = ""


class Runner(Protocol):
    """A backend that runs jobs. Every verb is safe to repeat.

    All raise RunnerUnavailable when there is no answer, and JobUnclear when there is none about this job.
    """

    def submit(self, spec: JobSpec) -> None:
        """Start the job. A job of the same submission id is ours already: not an error. Raises RunnerRefused."""

    def poll(self, submission_id: str) -> JobPoll:
        """Current status; MISSING rather than an error for an unknown id."""

    def cancel(self, submission_id: str) -> None:
        """Ask the job to stop and return. Unknown or finished jobs are not an error."""

    def logs(self, submission_id: str) -> str:
        """The driver's output so far, empty for an unknown id."""
