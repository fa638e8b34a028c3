"""What a worker uses of its machine, in the names of MLflow's system metrics: CPU, memory, disk, network, GPUs.

`system/<name>` if there is one worker, else `system/<rank>/<name>`. Steps are Unix seconds, so that those of a later
attempt follow.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
from ray._private.thirdparty import pynvml as untyped

pynvml: Any = untyped
PREFIX = "system/"
MEGABYTE = 1e6
# What a machine may answer that does not let itself be looked at.
UNREADABLE = (psutil.Error, OSError, NotImplementedError, ValueError)
Rates = dict[str, int]


class Sampler:
    """Takes a sample every `period_s`, whenever it is asked, for run after run. One thread at a time."""

    def __init__(self, rank: int, workers: int, period_s: float) -> None:
        self._prefix = PREFIX if workers == 1 else f"{PREFIX}{rank}/"
        self._period_s = period_s
        self._process = psutil.Process()
        self._gpus = list(_gpus())
        self._at: float | None = None
        self._counters: Rates = {}

    def begin(self) -> None:
        """Another run: the time so far is none of its business."""
        self._at = None

    def due(self) -> dict[str, float] | None:
        """A sample by metric, if it is time for one. Raises UNREADABLE."""
        now = time.monotonic()
        if self._at is None:
            # The first answers are about an unknown time.
            self._at = now
            deque(self._sample(1.0), maxlen=0)
            return None
        if now - self._at < self._period_s:
            return None
        seconds, self._at = now - self._at, now
        return {self._prefix + name: value for name, value in self._sample(seconds)}

    def _sample(self, seconds: float) -> Iterator[tuple[str, float]]:
        memory = psutil.virtual_memory()
        yield "cpu_utilization_percentage", psutil.cpu_percent()
        yield "system_memory_usage_megabytes", memory.used / MEGABYTE
        yield "system_memory_usage_percentage", memory.percent
        yield "process_cpu_utilization_percentage", self._process.cpu_percent()
        yield "process_memory_usage_megabytes", self._process.memory_info().rss / MEGABYTE
        counters = self._read_counters()
        for name, value in counters.items():
            yield name, (value - self._counters.get(name, value)) / MEGABYTE / seconds
        self._counters = counters
        for number, gpu in self._gpus:
            yield from _gpu_sample(number, gpu)

    def _read_counters(self) -> Rates:
        """Bytes so far, by the names of their rates. A container may hide its disks."""
        network, disk = psutil.net_io_counters(), psutil.disk_io_counters()
        found: Rates = {}
        if network:
            found["network_receive_megabytes_per_second"] = network.bytes_recv
            found["network_transmit_megabytes_per_second"] = network.bytes_sent
        if disk:
            found["disk_read_megabytes_per_second"] = disk.read_bytes
            found["disk_write_megabytes_per_second"] = disk.write_bytes
        return found


def _gpus() -> Iterator[tuple[int, Any]]:
    """NVIDIA's devices that answer; none on a machine without its driver."""
    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError:
        return
    for number in range(count):
        with suppress(pynvml.NVMLError):
            yield number, pynvml.nvmlDeviceGetHandleByIndex(number)


def _gpu_sample(number: int, gpu: Any) -> Iterator[tuple[str, float]]:
    """A device that does not tell one thing, such as a slice of one, still tells the other."""
    for read in (_gpu_memory, _gpu_load):
        with suppress(pynvml.NVMLError):
            yield from ((f"gpu_{number}_{name}", value) for name, value in read(gpu))


def _gpu_memory(gpu: Any) -> list[tuple[str, float]]:
    memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
    share = 100 * memory.used / memory.total
    return [("memory_usage_megabytes", memory.used / MEGABYTE), ("memory_usage_percentage", share)]


def _gpu_load(gpu: Any) -> list[tuple[str, float]]:
    return [("utilization_percentage", float(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu))]
