"""What this worker group runs on, told to the portal with every lease request."""

import os
import platform
import socket
from typing import Any

import ray
import torch


def describe_environment() -> dict[str, Any]:
    """Versions, host and threads of this process."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ray": ray.__version__,
        "hostname": socket.gethostname(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "pid": os.getpid(),
    }
