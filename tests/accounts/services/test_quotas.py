from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Project, Quota, User
from accounts.selectors.quotas import BACKENDS, Tally, Use, holder_of, holders_for, quotas_applied
from accounts.services.quotas import quota_clear, quota_set, quotas_raise
from mlplatform.kernel.errors import Forbidden, InvalidInput


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


def hard_values(project: Project, user: User) -> dict[tuple[str, str, str], float | None]:
    return {
        (one.holder.scope, one.backend, one.resource): one.hard
        for one in quotas_applied(holders_for(project, user))
    }


def test_the_one_that_names_somebody_goes_before_the_default(
    root: User, owner: User, project: Project
) -> None:
    quota_set(actor=root, scope="project", resource="cpus", hard=8)
    quota_set(actor=root, scope="project", resource="gpus", hard=1)
    quota_set(actor=root, scope="project", resource="cpus", project=project, hard=32)
    quota_set(actor=root, scope="user", resource="cpus", hard=4)
    quota_set(actor=root, scope="user", resource="cpus", user=root, hard=1)
    quota_set(actor=root, scope="member", resource="cpus", project=project, hard=2)
    quota_set(actor=root, scope="member", resource="cpus", project=project, user=owner, hard=3)
    quota_set(actor=root, scope="backend", resource="cpus", backend="local", hard=100)
    assert hard_values(project, owner) == {
        ("project", "", "cpus"): 32,
        ("project", "", "gpus"): 1,
        ("user", "", "cpus"): 4,
        ("member", "", "cpus"): 3,
        ("backend", "local", "cpus"): 100,
    }


def test_no_hard_value_frees_from_the_default_and_backends_are_apart(
    root: User, owner: User, project: Project
) -> None:
    quota_set(actor=root, scope="user", resource="gpus", hard=1)
    quota_set(actor=root, scope="user", resource="gpus", backend="local", hard=1)
    quota_set(actor=root, scope="user", resource="gpus", user=owner)
    assert hard_values(project, owner) == {("user", "", "gpus"): None, ("user", "local", "gpus"): 1}


def test_uses_add_up_for_every_scope(owner: User, project: Project, stranger: User) -> None:
    tally = Tally(
        [
            Use(project.pk, owner.pk, "local", {"cpus": 2, "gpus": 1}),
            Use(project.pk, stranger.pk, "other", {"cpus": 3}),
            Use(None, owner.pk, "local", {"cpus": 5}),
        ]
    )
    assert tally.of(("project", project.pk, None, ""), "cpus") == 5
    assert tally.of(("project", project.pk, None, "local"), "cpus") == 2
    assert tally.of(("user", None, owner.pk, ""), "cpus") == 7
    assert tally.of(("member", project.pk, owner.pk, "local"), "gpus") == 1
    assert tally.of(("backend", None, None, "local"), "cpus") == 7
    assert tally.of(("user", None, 0, ""), "cpus") == 0


def test_every_change_is_in_the_trail(root: User, project: Project) -> None:
    place: Any = {"actor": root, "scope": "project", "resource": "cpus", "project": project}
    quota = quota_set(**place, soft=2, hard=4)
    quota_set(**place, soft=2, hard=4)
    quota_set(**place, hard=8)
    quota_clear(actor=root, quota=quota)
    events = list(AuditEvent.objects.filter(verb__startswith="quota.").order_by("id"))
    assert [(e.verb, e.detail["before"], e.detail["after"]) for e in events] == [
        ("quota.set", None, {"soft": 2, "hard": 4}),
        ("quota.set", {"soft": 2, "hard": 4}, {"soft": None, "hard": 8}),
        ("quota.clear", {"soft": None, "hard": 8}, None),
    ]
    assert {(e.actor, e.project, e.target, e.detail["key"]) for e in events} == {
        (root, project, "CPUs of project Vision", f"project:{project.pk}:::cpus")
    }
    assert not Quota.objects.exists()


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"scope": "team"}, "scope", "'team' is no scope"),
        ({"resource": "coffee"}, "resource", "'coffee' is no resource"),
        ({"soft": 5, "hard": 4}, "soft", "soft value 5 is above the hard value 4"),
        ({"hard": -1}, "hard", "is -1; give 0 to"),
        ({"hard": float("nan")}, "hard", "is nan"),
        ({"resource": "running_runs", "hard": 1.5}, "hard", "whole numbers"),
        ({"backend": "moon"}, "backend", "no backend 'moon'; configured are local"),
        ({"scope": "backend"}, "backend", "needs a backend"),
        ({"scope": "member"}, "project", "needs the project"),
        ({"resource": "storage", "backend": "local"}, "backend", "share one storage"),
    ],
)
def test_what_makes_no_sense_is_refused(root: User, given: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        quota_set(actor=root, **({"scope": "project", "resource": "cpus"} | given))
    assert caught.value.field == field


def test_holders_fit_their_scope(root: User, project: Project) -> None:
    with pytest.raises(InvalidInput, match="has no person"):
        quota_set(actor=root, scope="project", resource="cpus", user=root, hard=1)
    with pytest.raises(InvalidInput, match="has no project"):
        quota_set(actor=root, scope="user", resource="cpus", project=project, hard=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Quota.objects.create(scope="user", resource="cpus", project=project, hard=1)


def test_raising_keeps_whole_numbers_whole(root: User, project: Project) -> None:
    quota_set(actor=root, scope="project", resource="running_runs", project=project, soft=3, hard=5)
    quota_set(actor=root, scope="project", resource="cpu_hours", project=project, hard=10)
    quota_set(actor=root, scope="project", resource="gpus", project=project)
    assert quotas_raise(actor=root, quotas=Quota.objects.all(), percent=50) == 2
    assert dict(Quota.objects.values_list("resource", "hard")) == {
        "running_runs": 8,
        "cpu_hours": 15,
        "gpus": None,
    }
    with pytest.raises(InvalidInput, match="-100 % is no change"):
        quotas_raise(actor=root, quotas=Quota.objects.all(), percent=-100)


def test_only_administrators(owner: User, root: User, project: Project) -> None:
    with pytest.raises(Forbidden, match="Only administrators"):
        quota_set(actor=owner, scope="project", resource="cpus", project=project, hard=1)
    quota = quota_set(actor=root, scope="project", resource="cpus", project=project, hard=1)
    with pytest.raises(Forbidden):
        quota_clear(actor=owner, quota=quota)


def test_words_of_holders(owner: User, project: Project, root: User) -> None:
    assert holder_of(project, owner).words == "olivia in project Vision"
    quota_set(actor=root, scope="backend", resource="cpus", backend="local", hard=1)
    (one,) = quotas_applied([BACKENDS])
    assert one.words == "backend local"
