from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Run
from experiments.services.losses import losses_settle
from mlplatform import broker
from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from tests.fakes.runner import FakeRunner

Api = Callable[..., APIClient]
DEATHS = "/harness/v1/deaths"
DEATH = {"code": "out_of_memory", "message": "killed\x00 by Ray", "age_s": 0.1}


@pytest.fixture(autouse=True)
def granted_a_while_ago(leased: Any) -> None:
    Lease.objects.update(created_at=clock.now() - timedelta(seconds=10))


def test_a_death_ends_the_lease_and_the_run_is_queued_again_at_once(
    api: Api,
    leased: Any,
    runner: FakeRunner,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    allocation, run, _ = leased
    sent: list[Any] = []
    monkeypatch.setattr(broker, "_send", sent.extend)
    with django_capture_on_commit_callbacks(execute=True):
        assert api(allocation).post(DEATHS, DEATH, format="json").json() == {"ended": 1}
    assert ("settle_losses", ()) in sent
    lease = Lease.objects.get()
    assert (lease.release_reason, lease.release_detail) == ("out_of_memory", "killed\ufffd by Ray")
    assert api(allocation).post(DEATHS, DEATH, format="json").json() == {"ended": 0}
    losses_settle()
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempts.get().cause_code) == ("queued", 1, "out_of_memory")


def test_an_old_report_does_not_hurt_a_newer_group(api: Api, leased: Any) -> None:
    allocation, _, _ = leased
    late = DEATH | {"age_s": 11}
    assert api(allocation).post(DEATHS, late, format="json").json() == {"ended": 0}
    assert Lease.objects.get().released_at is None


def test_another_allocation_is_not_touched(api: Api, leased: Any) -> None:
    allocation, _, _ = leased
    other = Allocation.objects.get(pk=allocation.pk)
    other.pk, other._state.adding = Run.objects.get(number=2).pk, True
    other.save()
    assert api(other).post(DEATHS, DEATH, format="json").json() == {"ended": 0}


def test_only_with_a_token(api: Api, owner: User) -> None:
    for client in (api(), api(owner)):
        assert client.post(DEATHS, DEATH, format="json").status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "completed"}, "code"),
        ({"code": None}, "code"),
        ({"age_s": -1}, "age_s"),
        ({"age_s": True}, "age_s"),
        ({"age_s": "1"}, "age_s"),
        ({"age_s": 1e9}, "age_s"),
    ],
)
def test_malformed_reports_change_nothing(api: Api, leased: Any, wrong: dict[str, Any], field: str) -> None:
    allocation, _, _ = leased
    answer = api(allocation).post(DEATHS, DEATH | wrong, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert Lease.objects.get().released_at is None
