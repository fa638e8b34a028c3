"""Threads that go on after a run: the user's count, those of libraries do not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from runners.harness.code import load_entrypoint, user_code
from runners.harness.threads import outliving

CODE = """
import threading

class Reporter(threading.Thread):
    def run(self):
        self.ready.set()
        self.over.wait()

def endless(ready, over):
    ready.set()
    over.wait()

def tick():
    pass

def target(config):
    threading.Thread(target=endless, args=(config["ready"], config["over"]), name="left", daemon=True).start()
def subclass(config):
    thread = Reporter(name="left")
    thread.ready, thread.over = config["ready"], config["over"]
    thread.start()
def pool(config): config["pool"].submit(endless, config["ready"], config["over"])
def timer(config):
    threading.Timer(60, tick).start()
    config["ready"].set()
"""


@pytest.fixture
def begin(tmp_path):
    """Call a function of the user's that leaves a thread; returns what ends it, and the folder of the code."""
    (tmp_path / "train.py").write_text(CODE)
    over = threading.Event()

    def call(name, **more):
        ready = threading.Event()
        with user_code(tmp_path):
            load_entrypoint(f"train:{name}", tmp_path)({"ready": ready, "over": over, **more})
        assert ready.wait(10)
        return over, tmp_path

    yield call
    over.set()
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


@pytest.mark.parametrize("name", ["target", "subclass"])
def test_a_thread_of_the_user_is_named_until_it_ends(begin, name):
    over, folder = begin(name)
    assert outliving(folder, 0) == ["left"]
    over.set()
    assert outliving(folder, 10) == []


def test_a_timer_that_waits_counts(begin):
    assert len(outliving(begin("timer")[1], 0)) == 1


def test_a_thread_of_a_library_counts_only_while_it_runs_the_users_code(begin):
    with ThreadPoolExecutor(1, "pool") as pool:
        over, folder = begin("pool", pool=pool)
        assert outliving(folder, 0) == ["pool_0"]
        over.set()
        assert outliving(folder, 10) == []
        assert "pool_0" in {thread.name for thread in threading.enumerate()}
