from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.services.quotas import quota_set
from experiments.definition import Definition
from experiments.models import Bundle, Experiment
from experiments.selectors.quota_outlook import Asked, quota_outlook
from mlplatform.kernel import clock
from runners.models import Allocation

ASKED = Asked(
    Definition(name="d", entrypoint="t:t", workers=2), "local", runs=6, parallel=3, seconds_per_run=1800
)


@pytest.fixture
def say(bundle: Bundle, owner: User, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str]]]:
    root = User.objects.create_superuser("root", "root@example.org")
    middle = clock.now().replace(day=15)
    monkeypatch.setattr(clock, "now", lambda: middle)

    def said(asked: Asked = ASKED, **quotas: Any) -> list[tuple[str, str]]:
        for resource, values in quotas.items():
            quota_set(**({"actor": root, "scope": "project", "resource": resource} | values))
        return [(bound.level, bound.words) for bound in quota_outlook(bundle.project, owner, asked)]

    return said


def holds(experiment: Experiment, cpus: float, seconds: float = 0) -> None:
    Allocation.objects.create(
        owner_id=experiment.pk, project=experiment.project, user=experiment.created_by, backend="local",
        state="running", workers=1, cpus_per_worker=cpus, gpus_per_worker=0, package_key="x",
        submitted_at=clock.now() - timedelta(seconds=seconds),
    )  # fmt: skip


def test_nothing_is_said_without_quotas(say: Callable[..., Any], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert say() == []


def test_what_fits_at_a_time(say: Callable[..., Any], experiment: Experiment) -> None:
    holds(experiment, 3)
    [found] = say(cpus={"hard": 8})
    assert found == ("waits", "Project Vision uses 3 of 8 CPUs: 2 of 3 can train at a time now.")
    [found] = say(cpus={"hard": 5})
    assert found == ("waits", "Project Vision uses 3 of 5 CPUs: 1 of 3 can train at a time now, 2 at most.")
    [found] = say(cpus={"hard": 9})
    assert found == ("room", "Project Vision uses 3 of 9 CPUs; this takes 6 more.")
    [found] = say(cpus={"soft": 8, "hard": 9})
    words = "Project Vision uses 3 of 9 CPUs; this takes 6 more. Beyond 8 CPUs people are warned."
    assert found == ("warned", words)
    [found] = say(cpus={"hard": 1})
    assert found == (
        "never",
        "Project Vision may use 1 CPUs at a time and a run takes 2: it can never start.",
    )
    assert say(cpus={"soft": 100}) == [("room", "")] or say(cpus={"soft": 100}) == []
    assert say(cpus={}, gpus={"hard": 0}) == []


def test_hours(say: Callable[..., Any], experiment: Experiment) -> None:
    holds(experiment, 36, seconds=100)
    [found] = say(cpu_hours={"hard": 8})
    assert found[0] == "room"
    assert found[1] == "Project Vision has 7 of 8 CPU-hours left this month; this takes about 6."
    [found] = say(cpu_hours={"hard": 4})
    assert found[0] == "waits"
    assert found[1].startswith(
        "Project Vision has 3 of 4 CPU-hours left this month; this takes about 6, so the rest"
    )
    [found] = say(cpu_hours={"hard": 1})
    assert found[0] == "never"
    assert "has used its 1 CPU-hours: nothing starts before 1 " in found[1]
    [found] = say(asked=replace(ASKED, seconds_per_run=None), cpu_hours={"hard": 4})
    assert found == ("room", "Project Vision has 3 of 4 CPU-hours left this month.")


def test_what_launching_refuses_comes_first(say: Callable[..., Any], experiment: Experiment) -> None:
    found = say(
        cpus={"hard": 10},
        queued_runs={"hard": 7},
        storage={"hard": 0},
        run_cpus={"scope": "user", "hard": 1},
        memory={"hard": 1, "backend": "local"},
    )
    assert [level for level, _ in found] == ["refused", "refused", "refused", "room"]
    assert {words for level, words in found if level == "refused"} >= {
        "Project Vision has 2 of 7 queued runs: 5 more fit, not 6.",
        "A run of olivia may take 1 CPUs; this one takes 2.",
    }
