"""Switches of torch and numpy that decide what a computation gives: read before the first run, put back after each."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch

Switch = tuple[Callable[[], Any], Callable[[Any], object]]
UNREADABLE = object()


def _attribute(path: str) -> Switch:
    *owners, name = path.split(".")

    def owner() -> Any:
        return reduce(getattr, owners, torch.backends)

    return lambda: getattr(owner(), name), lambda value: setattr(owner(), name, value)


# In the order in which they are put back: older switches write into newer ones, and wide ones apply to narrow ones.
SWITCHES: Mapping[str, Switch] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "determinism": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "anomalies": (
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda both: torch.autograd.set_detect_anomaly(*both),
    ),
    "numpy errors": (np.geterr, lambda kinds: np.seterr(**kinds)),
    "float32 products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "flash attention": (torch.backends.cuda.flash_sdp_enabled, torch.backends.cuda.enable_flash_sdp),
    "memory-efficient attention": (
        torch.backends.cuda.mem_efficient_sdp_enabled,
        torch.backends.cuda.enable_mem_efficient_sdp,
    ),
    "math attention": (torch.backends.cuda.math_sdp_enabled, torch.backends.cuda.enable_math_sdp),
    **{
        path: _attribute(path)
        for path in (
            "cudnn.allow_tf32",
            "cudnn.enabled",
            "cudnn.benchmark",
            "cudnn.deterministic",
            "cuda.matmul.allow_fp16_reduced_precision_reduction",
            "cuda.matmul.allow_bf16_reduced_precision_reduction",
            "cuda.matmul.allow_fp16_accumulation",
            "fp32_precision",
            "cuda.matmul.fp32_precision",
            "cudnn.fp32_precision",
            "cudnn.conv.fp32_precision",
            "cudnn.rnn.fp32_precision",
            "mkldnn.fp32_precision",
            "mkldnn.matmul.fp32_precision",
            "mkldnn.conv.fp32_precision",
            "mkldnn.rnn.fp32_precision",
        )
    },
}


def switches() -> dict[str, Any]:
    """How they stand; without those that this torch does not have."""
    found = {name: _read(name) for name in SWITCHES}
    return {name: value for name, value in found.items() if value is not UNREADABLE}


def switch_back(wanted: Mapping[str, Any]) -> None:
    """Put back what `switches` has found. Writes only what differs: determinism costs 2 s of imports the first time."""
    for name, value in wanted.items():
        if _read(name) != value:
            SWITCHES[name][1](value)
    torch.set_default_device(None)
    # Nobody can ask how this one stands.
    torch.set_flush_denormal(False)


def _read(name: str) -> Any:
    try:
        return SWITCHES[name][0]()
    except (AttributeError, RuntimeError):
        # An older torch; or one that refuses to say, because code has set the precision in the old and the new way.
        return UNREADABLE
