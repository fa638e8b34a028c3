"""The words that the harness and the portal exchange, and the signals that end a run from outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ALLOCATION_VARIABLE = "MLP_ALLOCATION"
TOKEN_VARIABLE = "MLP_ALLOCATION_TOKEN"  # noqa: S105  # the name, not the token

Outcome = Literal["completed", "failed", "stopped"]
ExitReason = Literal["drain", "gone", "unreachable"]


class ConfigurationError(Exception):
    """The job was started without the environment that the portal gives it."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The resources this job holds and where its portal is."""

    id: str
    url: str
    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    # GiB; 0 claims none.
    memory_per_worker: float
    storage_path: str
    fresh_process: bool
    # Between two samples of what a worker uses; 0 takes none.
    system_metrics_s: float
    token: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Allocation":
        """Read MLP_ALLOCATION and MLP_ALLOCATION_TOKEN; raise ConfigurationError naming what is wrong."""
        try:
            fields = json.loads(environment[ALLOCATION_VARIABLE])
            return cls(
                id=str(fields["id"]),
                url=str(fields["url"]).rstrip("/"),
                workers=int(fields["workers"]),
                cpus_per_worker=float(fields.get("cpus_per_worker", 1)),
                gpus_per_worker=float(fields.get("gpus_per_worker", 0)),
                memory_per_worker=float(fields.get("memory_per_worker", 0)),
                storage_path=str(fields["storage_path"]).rstrip("/"),
                fresh_process=bool(fields.get("fresh_process", False)),
                system_metrics_s=float(fields.get("system_metrics_s", 0)),
                token=environment[TOKEN_VARIABLE],
            )
        except KeyError as error:
            raise ConfigurationError(
                f"{error.args[0]} is missing: this program is started by the portal as a Ray job, with "
                f"{ALLOCATION_VARIABLE} and {TOKEN_VARIABLE} in its environment."
            ) from error
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{ALLOCATION_VARIABLE} is malformed: {error}") from error


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run failed, in the form that the portal stores and shows."""

    code: str
    message: str
    traceback: str = ""

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "traceback": self.traceback}


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt at one run, ours until the fence says otherwise."""

    run_id: str
    name: str
    experiment: str
    attempt: int
    fence: int
    seed: int
    config: dict[str, Any]
    entrypoint: str
    checkpoint_path: str | None
    first_step: int
    progress_total: int | None

    @classmethod
    def from_json(cls, run: Mapping[str, Any]) -> "Lease":
        checkpoint = run.get("checkpoint") or {}
        return cls(
            run_id=str(run["id"]),
            name=str(run.get("name") or run["id"]),
            experiment=str(run.get("experiment") or ""),
            attempt=int(run["attempt"]),
            fence=int(run["fence"]),
            seed=int(run.get("seed") or 0),
            config=dict(run.get("config") or {}),
            entrypoint=str(run["entrypoint"]),
            checkpoint_path=checkpoint.get("path"),
            first_step=int(checkpoint.get("step") or 0),
            progress_total=run.get("progress_total"),
        )


class RunSignal(BaseException):
    """Ends the train function from outside; a BaseException so that `except Exception` does not swallow it."""


class StopRun(RunSignal):
    """The portal asked for this run to stop (canceled, pruned, paused, …)."""


class LeaseLost(RunSignal):
    """The lease belongs to somebody else now: nothing more may be written for it."""


class RunFailedError(Exception):
    """User code failed and the portal has been told; the worker group is replaced by a fresh one."""


class RecycleGroupError(Exception):
    """The run ended well, but this worker group must not be used again."""
