"""What a person can do about each cause of failure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A headline and the next step."""

    title: str
    remedy: str


ADVICE = {
    "user_error": Advice(
        "The training code raised an error",
        "Fix the line that the traceback names and upload the code again, or retry if the error was a passing one.",
    ),
    "user_exit": Advice(
        "The training code left by itself",
        "It called sys.exit or raised SystemExit. Return from the train function instead.",
    ),
    "code_error": Advice(
        "The training code could not be loaded",
        "Check the imports and the entrypoint (module:function), then upload the code again.",
    ),
    "worker_died": Advice(
        "The training process died",
        "The usual reason is memory: try a smaller batch or fewer workers. A retry resumes from the last checkpoint.",
    ),
    "lease_lost": Advice(
        "Contact with the run was lost",
        "Retry it: it resumes from its last checkpoint. If it happens again, look at the machine's load and network.",
    ),
    "backend_lost": Advice(
        "The compute backend lost the job",
        "Retry it once the backend is back; it resumes from its last checkpoint.",
    ),
    "stop_timeout": Advice(
        "It did not stop when asked",
        "A run can only stop when it reports. Call ray.train.report more often, for example once per epoch.",
    ),
    "submit_failed": Advice(
        "The job could not be started",
        "An operator should check that the Ray cluster is up and reachable; then retry.",
    ),
}
UNKNOWN = Advice("The run failed", "Read the log below, then retry or change the code.")


def advice_for(code: str) -> Advice:
    """Advice for a cause code."""
    return ADVICE.get(code, UNKNOWN)
