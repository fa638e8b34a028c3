"""What a person can do about each cause of failure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A headline and the next step; `is_code`: other code is what helps."""

    title: str
    remedy: str
    is_code: bool = False


ADVICE = {
    "user_error": Advice(
        "The training code raised an error",
        "Fix the line that the traceback names and upload the code again, or retry if the error was a passing one.",
        is_code=True,
    ),
    "user_exit": Advice(
        "The training code left by itself",
        "It called sys.exit or raised SystemExit. Return from the train function instead.",
        is_code=True,
    ),
    "code_error": Advice(
        "The training code could not be loaded",
        "Check the imports and the entrypoint (module:function), then upload the code again.",
        is_code=True,
    ),
    "out_of_memory": Advice(
        "It ran out of memory",
        "Try a smaller batch or model, fewer data loader workers, or ask for more memory per worker.",
    ),
    "objective_not_finite": Advice(
        "The objective became NaN or infinite",
        "Usual remedies are a lower learning rate, gradient clipping, or a look at the input for bad values. "
        "The same parameters would most likely end here again. A retry resumes from the last checkpoint before it.",
    ),
    "worker_died": Advice(
        "The training process died",
        "The usual reason is memory: try a smaller batch or fewer workers. A retry resumes from the last checkpoint.",
    ),
    "node_lost": Advice(
        "The machine that it ran on is gone",
        "Retry it: it resumes from its last checkpoint on another machine, or on this one once it is back.",
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
    "start_timeout": Advice(
        "The workers did not start in time",
        "An operator should check that the Ray cluster has room and that its machines reach the portal; then retry.",
    ),
    "environment_failed": Advice(
        "The requirements could not be installed",
        "Correct requirements.txt as the installer's words below say, then upload the code again. "
        "If they say that an index could not be reached, retry once it can.",
        is_code=True,
    ),
    "bundle_broken": Advice(
        "The code is lost",
        "Upload the same code, or fetch it from Git, once more; then retry the run. "
        "An operator should find out what happened to the file.",
    ),
    "budget_time": Advice(
        "The time budget is used up",
        "Give the experiment more hours, then retry the run: it resumes from its last checkpoint.",
    ),
    "target_reached": Advice(
        "The target was reached",
        "Another run is good enough. To go on anyway, change the target, then retry the run.",
    ),
    "submit_failed": Advice(
        "The job could not be started",
        "An operator should check that the Ray cluster is up and reachable; then retry.",
    ),
}
UNKNOWN = Advice("The run failed", "Read the log below, then retry or change the code.")
PRUNED = Advice(
    "It was stopped early",
    "Nothing has to be done: others did better at the same report, so its share of the time went to them. "
    "To see it to its end, fork it, or clone the experiment without a pruner.",
)


def advice_for(code: str) -> Advice:
    """Advice for a cause code."""
    return ADVICE.get(code, UNKNOWN)
