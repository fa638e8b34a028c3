"""What this worker group runs on: all that is needed to repeat an attempt besides its code, parameters and seed."""

import os
import platform
import re
import socket
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import ray
import torch

# Variables that change results or speed. An allow-list: an environment is full of secrets.
VARIABLES = re.compile(
    r"(OMP|MKL|KMP|OPENBLAS|NUMEXPR|NCCL|GLOO|TORCH|PYTORCH|CUBLAS|CUDNN|XLA|HSA|HIP|ROCR)_[A-Z0-9_]+"
    r"|CUDA_(VISIBLE_DEVICES|LAUNCH_BLOCKING|DEVICE_ORDER|MODULE_LOADING)"
    r"|PYTHONHASHSEED|LD_PRELOAD|MALLOC_ARENA_MAX|TOKENIZERS_PARALLELISM"
)
SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL")
VALUE_LIMIT = 200


def describe_environment() -> dict[str, Any]:
    """Versions, hardware, threads and variables of this process; small enough to be kept with every attempt."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ray": ray.__version__,
        "cuda": torch.version.cuda or "",
        "cudnn": torch.backends.cudnn.version() or "",  # type: ignore[no-untyped-call]  # torch's
        "hostname": socket.gethostname(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "cpus_allowed": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "variables": relevant_variables(dict(os.environ)),
        "pid": os.getpid(),
    }


def relevant_variables(environment: dict[str, str]) -> dict[str, str]:
    """Those of the allow-list that look like no secret, cut to a sane length."""
    return {
        name: value[:VALUE_LIMIT]
        for name, value in sorted(environment.items())
        if VARIABLES.fullmatch(name) and not SECRET.search(name)
    }


def installed_packages() -> list[str]:
    """Every installed distribution as name==version, sorted. Reads a file for each of them."""
    found = {(str(one.metadata["Name"]), one.version) for one in distributions() if one.metadata["Name"]}
    return sorted((f"{name}=={version}" for name, version in found), key=str.lower)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()
