"""What an attempt was made with: everything that it takes to repeat it."""

from collections.abc import Mapping
from typing import Any

from experiments.models import Attempt, Run

# In the order in which they are shown; PostgreSQL keeps none. What is not here follows by name.
LABELS = {
    "python": "Python",
    "torch": "PyTorch",
    "ray": "Ray",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "gpus": "GPUs",
    "cpu": "Processor",
    "cpus": "CPUs",
    "cpus_allowed": "CPUs allowed",
    "memory_gib": "Memory (GiB)",
    "threads": "Threads",
    "interop_threads": "Interop threads",
    "variables": "Variables",
    "hostname": "Machine",
    "platform": "System",
    "pid": "Process",
}


def provenance(run: Run, attempt: Attempt) -> list[tuple[str, str]]:
    """Labels and values: code, seed, and what the workers told about themselves."""
    bundle = run.experiment.bundle
    lines = [("Code", f"{bundle.name} {bundle.sha256}")]
    if commit := bundle.source.get("commit"):
        lines.append(("Commit", f"{commit} of {bundle.source.get('url', '')}"))
    lines += [("Entrypoint", run.experiment.entrypoint), ("Seed", str(run.seed))]
    if run.experiment.bundle.requirements:
        lines.append(("Requirements", ", ".join(map(str, bundle.requirements))))
    found = attempt.environment
    names = [*(key for key in LABELS if key in found), *sorted(set(found) - set(LABELS))]
    told = [(LABELS.get(name, _label(name)), value_text(found[name])) for name in names]
    return lines + [(label, text) for label, text in told if text]


def _label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def value_text(value: Any) -> str:
    """What workers told, on one line; empty for nothing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {value_text(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    return "" if value is None else str(value)
