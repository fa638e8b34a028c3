"""How the benchmarks print: the machine, the versions, our number beside a peer's."""

# ruff: noqa: T201  # a command's output

import math
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

PACKAGES = ("ray", "torch", "optuna", "Django")


def print_machine() -> None:
    """What the numbers were measured on, and how busy it was: other people's load makes every number worse."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"machine   {os.cpu_count()} CPUs ({_model()}), {memory:.0f} GiB, load {load}")
    print(f"versions  Python {platform.python_version()}, {versions}\n")


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the rows in columns; the first column is a name, the others are numbers."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    print(title)
    for row in cells:
        numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([f"  {row[0].ljust(widths[0])}", *numbers]))
    print(f"  (load now {os.getloadavg()[0]:.1f})\n", flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values: Sequence[float], *, scale: float = 1000.0, digits: int = 1) -> list[str]:
    """Median, 95 %, and the largest value, in milliseconds unless told otherwise."""
    chosen = (median(values), quantile(values, 0.95), max(values))
    return [f"{scale * value:.{digits}f}" for value in chosen]


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
