from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Project, User
from accounts.services.projects import project_create
from accounts.services.quotas import quota_set
from mlplatform.kernel import clock
from runners.limits import (
    Cap,
    Limits,
    backend_scope,
    project_scope,
    project_user_scope,
    scopes_of,
    user_scope,
)
from runners.models import Allocation
from runners.selectors.limits import limits_for
from runners.services.admission import allocations_admit
from runners.services.gates import gates_close
from tests.fakes.runner import FakeRunner

Made = Callable[..., Allocation]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def made(project: Project, owner: User) -> Made:
    def make(**fields: Any) -> Allocation:
        given = {
            "owner_id": project.pk,
            "project": project,
            "user": owner,
            "backend": "local",
            "workers": 1,
            "cpus_per_worker": 1,
            "gpus_per_worker": 0,
            "package_key": "packages/x.zip",
        }
        return Allocation.objects.create(**(given | fields))

    return make


def states() -> list[str]:
    return list(Allocation.objects.order_by("created_at").values_list("state", flat=True))


def test_without_quotas_there_are_no_limits(made: Made, django_assert_max_num_queries: Any) -> None:
    allocations = [made(), made(state="running")]
    with django_assert_max_num_queries(3):
        assert limits_for("local", allocations) == Limits([], [])


def test_caps_of_every_scope(root: User, made: Made, project: Project, owner: User, settings: Any) -> None:
    settings.BACKENDS = settings.BACKENDS | {"other": settings.BACKENDS["local"]}
    made(backend="other", state="running", cpus_per_worker=3)
    quota_set(actor=root, scope="project", resource="cpus", hard=8)
    quota_set(actor=root, scope="user", resource="running_runs", backend="local", soft=1, hard=2)
    quota_set(actor=root, scope="user", resource="cpus", backend="other", hard=1)
    quota_set(actor=root, scope="member", resource="memory", project=project, hard=16)
    quota_set(actor=root, scope="backend", resource="gpus", backend="local", hard=1)
    quota_set(actor=root, scope="project", resource="gpus", soft=1)
    quota_set(actor=root, scope="project", resource="queued_runs", hard=1)
    allocation = made()
    limits = limits_for("local", [allocation])
    assert set(limits.caps) == {
        Cap(backend_scope("local"), "gpus", 1, "backend local"),
        Cap(project_scope(project.pk), "cpus", 5, "project Vision (besides 3 at other backends)"),
        Cap(user_scope(owner.pk), "jobs", 2, "olivia at local"),
        Cap(project_user_scope(project.pk, owner.pk), "memory", 16, "olivia in project Vision"),
    }
    assert {cap.scope for cap in limits.caps} == set(scopes_of("local", project.pk, owner.pk))


def test_queries_do_not_grow_with_projects(
    root: User, made: Made, owner: User, django_assert_max_num_queries: Any
) -> None:
    quota_set(actor=root, scope="project", resource="cpus", hard=8)
    quota_set(actor=root, scope="user", resource="cpu_hours", hard=8)
    rows = [made(project=project_create(user=owner, name=f"P{n}")) for n in range(5)]
    with django_assert_max_num_queries(6):
        assert len(limits_for("local", rows).caps) == 5


@pytest.mark.parametrize("scope", ["project", "user", "member", "backend"])
def test_nothing_starts_beyond_a_cap(
    runner: FakeRunner, root: User, made: Made, project: Project, scope: str
) -> None:
    place = {
        "member": {"project": project},
        "backend": {"backend": "local"},
    }.get(scope, {})
    quota_set(actor=root, scope=scope, resource="running_runs", hard=1, **place)  # type: ignore[arg-type]
    made(), made()
    allocations_admit()
    assert states() == ["submitted", "waiting"]
    reason = Allocation.objects.get(state="waiting").waiting_reason
    assert "1 of 1" in reason
    Allocation.objects.filter(state="submitted").update(state="ended")
    allocations_admit()
    assert states() == ["ended", "submitted"]


def test_used_up_hours_shut_the_gate_and_workers_end_after_their_run(
    runner: FakeRunner, root: User, made: Made, owner: User, stranger: User
) -> None:
    begun = max(clock.now() - timedelta(hours=1), clock.now().replace(day=1, hour=0, minute=0, second=0))
    used = made(state="running", submitted_at=begun)
    other = project_create(user=stranger, name="Audio")
    free = made(state="running", submitted_at=begun, project=other, user=stranger)
    waits = made(cpus_per_worker=0.1)
    quota_set(actor=root, scope="user", user=owner, resource="cpu_hours", hard=0.000001)
    (gate,) = limits_for("local", [used, waits]).gates
    assert gate.scope == user_scope(owner.pk)
    assert gate.words.startswith(f"Olivia has used its 1e-6 CPU-hours of {clock.now():%B}; more from 1 ")
    assert gates_close() == 1
    allocations_admit()
    for one in (used, free, waits):
        one.refresh_from_db()
    assert (used.state, free.state, waits.state) == ("draining", "running", "waiting")
    assert "more from 1" in waits.waiting_reason


@pytest.mark.django_db(transaction=True)
def test_two_who_admit_at_the_same_time_cannot_share_the_last_slot(
    runner: FakeRunner, root: User, made: Made, project: Project
) -> None:
    quota_set(actor=root, scope="project", resource="running_runs", project=project, hard=2)
    made(state="running", cpus_per_worker=0.1)
    for _ in range(6):
        made(cpus_per_worker=0.1)

    def admit(_: int) -> None:
        try:
            allocations_admit()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(admit, range(8)))
    assert sorted(states()) == ["running", "submitted", *["waiting"] * 5]
