"""What workers say of their machines, under MLflow's names."""

from types import SimpleNamespace

import pytest

from runners.harness import system_metrics
from runners.harness.pace import Pace
from runners.harness.stream import Stream
from runners.harness.system_metrics import Sampler
from tests.runners.harness.conftest import eventually

HOST = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "process_cpu_utilization_percentage",
    "process_memory_usage_megabytes",
}


@pytest.fixture
def now(monkeypatch):
    """Seconds that pass when the test says so."""
    passed = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr("time.monotonic", lambda: passed.seconds)
    return passed


def begun(*worker):
    sampler = Sampler(*worker)
    assert sampler.due() is None
    return sampler


def taken(sampler):
    found = sampler.due()
    assert found is not None
    return found


def test_a_sample_is_due_once_a_period(now):
    sampler = begun(0, 1, 10.0)
    now.seconds += 10
    sample = taken(sampler)
    assert {f"system/{name}" for name in HOST} <= sample.keys()
    assert all(isinstance(value, float) for value in sample.values())
    assert sample["system/process_memory_usage_megabytes"] > 1
    assert sampler.due() is None


def test_rates_are_of_the_time_since_the_last_sample(now, monkeypatch):
    network = SimpleNamespace(bytes_recv=0, bytes_sent=0)
    monkeypatch.setattr("psutil.net_io_counters", lambda: network)
    monkeypatch.setattr("psutil.disk_io_counters", lambda: None)
    sampler = begun(0, 1, 5.0)
    for received, seconds, rate in ((20e6, 10, 2.0), (20e6, 5, 0.0), (30e6, 5, 2.0)):
        network.bytes_recv = received
        now.seconds += seconds
        sample = taken(sampler)
        assert sample["system/network_receive_megabytes_per_second"] == rate
        assert not any("disk" in name for name in sample)


def test_a_run_is_told_nothing_of_the_time_before_it(now, monkeypatch):
    network = SimpleNamespace(bytes_recv=0, bytes_sent=0)
    monkeypatch.setattr("psutil.net_io_counters", lambda: network)
    sampler = begun(0, 1, 5.0)
    network.bytes_recv, now.seconds = 900e6, now.seconds + 3600
    sampler.begin()
    assert sampler.due() is None
    network.bytes_recv, now.seconds = 910e6, now.seconds + 5
    assert taken(sampler)["system/network_receive_megabytes_per_second"] == 2.0


def test_each_of_several_workers_has_names_of_its_own(now):
    sampler = begun(2, 4, 1.0)
    now.seconds += 1
    assert all(name.startswith("system/2/") for name in taken(sampler))


class NoAnswerError(Exception):
    """As a slice of a device gives when asked how busy it is."""


def load(gpu):
    if gpu == 1:
        raise NoAnswerError
    return SimpleNamespace(gpu=93)


NVML = SimpleNamespace(
    NVMLError=NoAnswerError,
    nvmlInit=lambda: None,
    nvmlDeviceGetCount=lambda: 2,
    nvmlDeviceGetHandleByIndex=lambda number: number,
    nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=20e9, total=80e9),
    nvmlDeviceGetUtilizationRates=load,
)


def test_gpus(now, monkeypatch):
    monkeypatch.setattr(system_metrics, "pynvml", NVML)
    sampler = begun(0, 1, 1.0)
    now.seconds += 1
    sample = {name: value for name, value in taken(sampler).items() if "gpu" in name}
    assert sample == {
        "system/gpu_0_memory_usage_megabytes": 20_000.0,
        "system/gpu_0_memory_usage_percentage": 25.0,
        "system/gpu_0_utilization_percentage": 93.0,
        "system/gpu_1_memory_usage_megabytes": 20_000.0,
        "system/gpu_1_memory_usage_percentage": 25.0,
    }


def test_a_gpu_that_is_lost_leaves_the_others(now, monkeypatch):
    def handle(number):
        if number == 0:
            raise NoAnswerError
        return number

    monkeypatch.setattr(NVML, "nvmlDeviceGetHandleByIndex", handle)
    monkeypatch.setattr(system_metrics, "pynvml", NVML)
    sampler = begun(0, 1, 1.0)
    now.seconds += 1
    assert {name[:12] for name in taken(sampler) if "gpu" in name} == {"system/gpu_1"}


def test_a_driver_that_counts_no_gpus_has_none(now, monkeypatch):
    monkeypatch.setattr(NVML, "nvmlDeviceGetCount", lambda: load(1))
    monkeypatch.setattr(system_metrics, "pynvml", NVML)
    sampler = begun(0, 1, 1.0)
    now.seconds += 1
    assert not any("gpu" in name for name in taken(sampler))


def test_they_come_with_the_batches(client, lease, run):
    samples = [{"system/cpu_utilization_percentage": 50.0}]
    pace = Pace(interval_s=0.02, heartbeat_s=5.0)
    stream = Stream(client, lease, 0, read_system=lambda: samples.pop() if samples else None, pace=pace)
    stream.start()
    stream.points(1, {"loss": 0.5})
    assert stream.finish("completed")
    stream.close()
    assert [step for step, _ in run.points["loss"]] == [1]
    [(step, value)] = run.points["system/cpu_utilization_percentage"]
    assert step > 1_700_000_000
    assert value == 50.0


def test_each_rank_sends_what_its_machine_says_and_what_it_printed(client, lease, run):
    printed = ["from rank 1\n"]
    stream = Stream(
        client,
        lease,
        1,
        read_output=lambda: printed.pop() if printed else "",
        read_system=Sampler(1, 2, 0.01).due,
        pace=Pace(interval_s=0.02, heartbeat_s=5.0),
    )
    stream.start()
    eventually(lambda: run.points["system/1/cpu_utilization_percentage"])
    assert stream.flush()
    stream.close()
    assert run.logs[1] == "from rank 1\n"
    assert all(name.startswith("system/1/") for name in run.points)
