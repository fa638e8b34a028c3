"""Quotas in the administration."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Project, Quota, User
from accounts.services.projects import project_create
from accounts.services.quotas import quota_set
from experiments.models import Experiment
from mlplatform.kernel import clock
from runners.models import Allocation, UsageSlice
from runners.services.usage import usage_meter

LIST = "/admin/accounts/quota/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def admin(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


def text(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert not re.search(r'\sstyle="', page[page.index("<main") :] if "<main" in page else page)
    return page


def test_the_list_shows_how_much_is_used(
    admin: Client, root: User, project: Project, owner: User, experiment: Experiment
) -> None:
    other = project_create(user=owner, name="Audio")
    quota_set(actor=root, scope="project", resource="queued_runs", soft=2, hard=8)
    quota_set(actor=root, scope="project", resource="queued_runs", project=other, hard=3)
    quota_set(actor=root, scope="user", resource="queued_runs", user=owner, hard=2)
    quota_set(actor=root, scope="member", resource="queued_runs", project=project, hard=50)
    quota_set(actor=root, scope="backend", resource="queued_runs", backend="local", hard=100)
    quota_set(actor=root, scope="user", resource="run_cpus", hard=4)
    page = text(admin, LIST)
    assert page.count("2 of 8 <b>near the limit</b><br><small>most: Vision; 1 near the limit or beyond") == 1
    assert "0 of 3" in page
    assert "2 of 2 <b>used up</b>" in page
    assert "2 of 50<br><small>most: olivia" in page
    assert "2 of 100" in page
    assert "Every project" in page
    assert "Every person in project Vision" in page
    assert text(admin, LIST, level="hard").count('class="action-select"') == 1
    assert text(admin, LIST, level="soft").count('class="action-select"') == 2
    assert text(admin, LIST, kind="default").count('class="action-select"') == 2
    assert text(admin, LIST, kind="named", scope__exact="project").count('class="action-select"') == 1


def test_queries_do_not_grow(
    admin: Client, root: User, owner: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        made = project_create(user=owner, name=f"P{number}")
        for resource in ("cpus", "cpu_hours", "queued_runs", "storage"):
            quota_set(actor=root, scope="project", resource=resource, project=made, hard=3)
    with django_assert_max_num_queries(22):
        admin.get(LIST)


def test_added_by_hand_and_told_what_is_wrong(admin: Client, project: Project) -> None:
    add = f"{LIST}add/"
    given = {"scope": "project", "project": str(project.pk), "resource": "cpus", "soft": "8", "hard": "4"}
    assert "soft value 8 is above the hard value 4" in admin.post(add, given).content.decode()
    assert admin.post(add, given | {"soft": "2"}).status_code == 302
    assert "There is such a quota already" in admin.post(add, given | {"soft": "1"}).content.decode()
    assert (
        "share one storage"
        in admin.post(add, given | {"soft": "1", "resource": "storage", "backend": "local"}).content.decode()
    )
    assert Quota.objects.get().soft == 2


def test_the_history_says_who_when_from_and_to(admin: Client, root: User, project: Project) -> None:
    quota = quota_set(actor=root, scope="project", resource="cpu_hours", project=project, hard=4)
    one = f"{LIST}{quota.pk}/change/"
    assert admin.post(one, {"soft": "6.5", "hard": "12000"}).status_code == 302
    page = text(admin, one)
    trail = re.sub(r"<[^>]*>|\s+", " ", page[page.index("trail-title") :]).split("Save")[0]
    assert "0 of 12000" in page
    assert " root hard 4 soft 6.5, hard 12000 " in " ".join(trail.split())
    assert " root nothing hard 4 " in f"{' '.join(trail.split())} "
    assert admin.get(f"{LIST}{quota.pk}/history/")["Location"] == f"{one}#trail"
    assert admin.post(f"{LIST}{quota.pk}/delete/", {"post": "yes"}).status_code == 302
    verbs = AuditEvent.objects.filter(verb__startswith="quota.").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["quota.set", "quota.set", "quota.clear"]


def test_many_quotas_at_once(admin: Client, root: User, project: Project) -> None:
    ids = [
        quota_set(actor=root, scope=scope, resource="gpus", soft=1, hard=4).pk
        for scope in ("project", "user")
    ]
    chosen: dict[str, Any] = {"action": "change_selected", "_selected_action": ids}
    page = admin.post(LIST, chosen).content.decode()
    assert "Of 2 selected" in page
    assert "GPUs of every project" in page
    raising = chosen | {"apply": "1", "act": "raise"}
    assert "By how much?" in admin.post(LIST, raising).content.decode()
    assert "is no change that can be made" in admin.post(LIST, raising | {"percent": "-100"}).content.decode()
    assert admin.post(LIST, raising | {"percent": "50"}).status_code == 302
    assert set(Quota.objects.values_list("soft", "hard")) == {(1.5, 6)}
    setting = chosen | {"apply": "1", "act": "set", "soft": "9", "hard": "8"}
    assert "soft value 9 is above" in admin.post(LIST, setting).content.decode()
    assert admin.post(LIST, setting | {"soft": ""}).status_code == 302
    assert set(Quota.objects.values_list("soft", "hard")) == {(None, 8)}
    assert admin.post(LIST, chosen | {"apply": "1", "act": "clear"}).status_code == 302
    assert not Quota.objects.exists()
    assert AuditEvent.objects.filter(verb="quota.clear").count() == 2


@pytest.mark.parametrize("kind", ["project", "user"])
def test_quotas_of_many_holders_at_once(
    admin: Client, root: User, owner: User, project: Project, kind: str
) -> None:
    other = project_create(user=owner, name="Audio")
    ids = [str(project.pk), str(other.pk)] if kind == "project" else [str(owner.pk), str(root.pk)]
    path = f"/admin/accounts/{kind}/"
    chosen: dict[str, Any] = {"action": "change_quotas", "_selected_action": ids}
    assert "Of 2 selected" in admin.post(path, chosen).content.decode()
    given = chosen | {
        "apply": "1",
        "act": "set",
        "resource": "cpus",
        "backend": "local",
        "soft": "1",
        "hard": "2",
    }
    assert admin.post(path, given).status_code == 302
    assert set(Quota.objects.values_list("scope", "backend", "soft", "hard")) == {(kind, "local", 1, 2)}
    assert Quota.objects.count() == 2
    wrong = admin.post(path, given | {"resource": "storage"}).content.decode()
    assert "share one storage" in wrong
    assert admin.post(path, given | {"act": "raise", "percent": "100"}).status_code == 302
    assert set(Quota.objects.values_list("hard", flat=True)) == {4}
    assert admin.post(path, given | {"act": "clear"}).status_code == 302
    assert not Quota.objects.exists()


def test_staff_who_are_no_administrators_see_none(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.refresh_from_db()
    client.force_login(owner)
    assert client.get(LIST).status_code == 403
    assert "quota" not in client.get("/admin/").content.decode()


def test_the_ledger_is_exported_from_its_list(admin: Client, project: Project, owner: User) -> None:
    begun = clock.now() - timedelta(hours=3)
    Allocation.objects.create(
        owner_id=project.pk, project=project, user=owner, backend="local", state="ended", workers=1,
        cpus_per_worker=1, gpus_per_worker=0, package_key="x", submitted_at=begun, ended_at=clock.now(),
    )  # fmt: skip
    assert usage_meter() in (1, 2)
    ids = list(UsageSlice.objects.values_list("pk", flat=True))
    answer = admin.post(
        "/admin/runners/usageslice/", {"action": "as_csv", "_selected_action": [str(pk) for pk in ids]}
    )
    assert answer["Content-Disposition"] == 'attachment; filename="usage.csv"'
