"""Why a worker group died, as Ray's controller tells it."""

from types import SimpleNamespace

import pytest
import ray.exceptions
from ray.train.v2._internal.exceptions import UserExceptionWithTraceback, WorkerHealthCheckFailedError

from runners.harness import deaths
from runners.harness.deaths import DeathReporter, classify
from runners.harness.protocol import RecycleGroupError, RunFailedError
from tests.runners.harness.fake_portal import TOKEN

# As Ray 2.60 words it, shortened.
UNEXPLAINED = (
    "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker "
    "unexpectedly exits with a connection error code 2. Some common causes include: (1) the process was killed by the "
    "OOM killer due to high memory usage, (2) ray stop --force was called"
)
NODE_GONE = (
    "The actor died because its node has died. Node Id: 12ab the actor's node was terminated unexpectedly: x"
)


def actor_error(text, preempted=False):
    return ray.exceptions.RayActorError("12ab", text, False, preempted)


def health_check(failure):
    return WorkerHealthCheckFailedError("A worker health check failed.", failure=failure)


@pytest.fixture
def reporter(portal):
    return DeathReporter(portal.url, TOKEN)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (actor_error(UNEXPLAINED), "worker_died"),
        (actor_error("Worker exit type: NODE_OUT_OF_MEMORY"), "out_of_memory"),
        (actor_error("1 worker(s) were killed due to the node running low on memory."), "out_of_memory"),
        (ray.exceptions.OutOfMemoryError("memory on the node"), "out_of_memory"),
        (actor_error(NODE_GONE), "node_lost"),
        (actor_error("reclaimed", preempted=True), "node_lost"),
        (ray.exceptions.NodeDiedError("gone"), "node_lost"),
    ],
)
def test_a_death_is_told_with_its_reason(portal, reporter, failure, code):
    reporter.after_exception(SimpleNamespace(), {1: health_check(failure)})
    (death,) = portal.deaths
    assert death["code"] == code
    assert str(failure) in death["message"]
    assert 0 <= death["age_s"] < 10


def test_the_best_known_reason_of_all_ranks_counts():
    errors = [RuntimeError("Connection closed by peer"), ray.exceptions.OutOfMemoryError("oom")]
    assert classify(errors) == ("out_of_memory", "oom")


@pytest.mark.parametrize("error", [RunFailedError("x"), RecycleGroupError("x")])
def test_what_the_portal_knows_already_is_no_death(portal, reporter, error):
    wrapped = UserExceptionWithTraceback(error, traceback_str="")
    reporter.after_exception(SimpleNamespace(), {0: RuntimeError("broken pipe"), 1: wrapped})
    assert portal.deaths == []


def test_a_portal_that_is_away_is_asked_again_and_then_left_alone(portal, reporter, monkeypatch):
    monkeypatch.setattr(deaths, "RETRY_S", 0.01)
    calls: list[float] = []

    def away(path, body):
        calls.append(body["age_s"])
        return 503, {}

    portal.intercept = away
    reporter.after_exception(SimpleNamespace(), {0: health_check(actor_error(UNEXPLAINED))})
    assert len(calls) == deaths.TRIES
    assert calls == sorted(calls)
