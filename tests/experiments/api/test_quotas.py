import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.models import Project, Quota, User
from accounts.services.quotas import quota_set
from experiments.models import Bundle, Experiment
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.services.usage import usage_meter

Api = Callable[..., APIClient]
QUOTAS = "/api/v1/quotas/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def hour(project: Project, owner: User) -> Allocation:
    """Ended, after holding 2 CPUs and a GPU for an hour."""
    begun = clock.now().replace(day=3, hour=4)
    return Allocation.objects.create(
        owner_id=project.pk, project=project, user=owner, backend="local", state="ended", workers=2,
        cpus_per_worker=1, gpus_per_worker=0.5, package_key="x", submitted_at=begun,
        ended_at=begun + timedelta(hours=1),
    )  # fmt: skip


def content(response: Any) -> bytes:
    async def parts() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(parts)()


def test_an_admin_sets_changes_and_clears(api: Api, root: User, project: Project, owner: User) -> None:
    client = api(root)
    given = {
        "scope": "member",
        "project": "vision",
        "user": "olivia",
        "resource": "gpus",
        "soft": 1,
        "hard": 2,
    }
    made = client.post(QUOTAS, given, "json").json()
    assert made | given == made
    assert (made["unit"], made["backend"]) == ("GPUs", None)
    assert client.post(QUOTAS, given, "json").json()["id"] == made["id"]
    client.post(QUOTAS, {"scope": "user", "resource": "cpus", "backend": "local", "hard": 4}, "json")
    assert len(client.get(QUOTAS).json()) == 2
    assert client.get(QUOTAS, {"project": "vision", "resource": "gpus"}).json() == [made]
    one = f"{QUOTAS}{made['id']}/"
    changed = client.patch(one, {"soft": None, "hard": 3}, "json").json()
    assert (changed["soft"], changed["hard"]) == (None, 3)
    assert client.get(one).json() == changed
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert Quota.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scope": "member"}, "project"),
        ({"project": "nothing"}, "project"),
        ({"scope": "user", "user": "nobody"}, "user"),
        ({"soft": 3, "hard": 2}, "soft"),
        ({"backend": "moon"}, "backend"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(api: Api, root: User, given: dict[str, Any], field: str) -> None:
    answer = api(root).post(QUOTAS, {"scope": "project", "resource": "cpus"} | given, "json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_quotas_are_for_admins_and_usage_for_members(
    api: Api, owner: User, viewer: User, stranger: User, project: Project
) -> None:
    assert api().get(QUOTAS).status_code == 401
    for who in (owner, viewer, stranger):
        for path in (QUOTAS, f"{QUOTAS}1/", "/api/v1/usage.csv"):
            assert api(who).get(path).status_code == 403
        assert api(who).post(QUOTAS, {"scope": "project", "resource": "cpus"}, "json").status_code == 403
        assert api(who).get("/api/v1/me/usage/").status_code == 200
    for path in ("usage/", "usage.csv"):
        assert api(viewer).get(f"/api/v1/projects/vision/{path}").status_code == 200
        assert api(stranger).get(f"/api/v1/projects/vision/{path}").status_code == 404


@pytest.mark.usefixtures("hour")
def test_usage_of_a_project(api: Api, root: User, viewer: User, experiment: Experiment, owner: User) -> None:
    quota_set(actor=root, scope="project", resource="cpu_hours", soft=1, hard=4)
    quota_set(actor=root, scope="project", resource="queued_runs", hard=2)
    told = api(viewer).get("/api/v1/projects/vision/usage/").json()
    lines = {line["resource"]: line for line in told["quotas"]}
    assert (lines["cpu_hours"]["used"], lines["cpu_hours"]["soft"], lines["cpu_hours"]["hard"]) == (2, 1, 4)
    assert (lines["gpu_hours"]["used"], lines["gpu_hours"]["hard"]) == (1, None)
    assert lines["cpus"]["used"] == 0
    assert [(line["resource"], line["level"]) for line in told["warnings"]] == [
        ("queued_runs", "hard"),
        ("cpu_hours", "soft"),
    ]
    assert told["storage_bytes"]["code"] == experiment.bundle.size
    assert told["months"][0]["people"] == [{"user_name": "olivia", "cpu_hours": 2, "gpu_hours": 1}]
    mine = {line["resource"]: line for line in api(owner).get("/api/v1/me/usage/").json()["quotas"]}
    assert (mine["gpu_hours"]["used"], mine["queued_runs"]["used"]) == (1, 2)
    assert api(viewer).get("/api/v1/me/usage/").json()["quotas"][0]["used"] == 0


def test_a_launch_over_quota_is_a_problem_with_the_numbers(
    api: Api, root: User, owner: User, experiment: Experiment
) -> None:
    quota_set(actor=root, scope="project", resource="queued_runs", hard=2)
    body = {"bundle": str(experiment.bundle_id), "runs": [{"lr": 0.5}]}
    preview = api(owner).post("/api/v1/projects/vision/experiments/preview/", body, "json").json()
    [bound] = preview["quotas"]
    assert (bound["level"], bound["left"], bound["hard"]) == ("refused", 0, 2)
    answer = api(owner).post("/api/v1/projects/vision/experiments/", body, "json")
    assert answer.status_code == 409
    assert answer["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem | {
        "code": "quota_exceeded", "field": "runs", "resource": "queued_runs", "hard": 2, "asked": 1,
    } == problem  # fmt: skip
    assert "ask an administrator" in problem["detail"]


def test_the_ledger_as_a_file(api: Api, root: User, owner: User, hour: Allocation, bundle: Bundle) -> None:
    Project.objects.update(name="=Vision")
    usage_meter()
    answer = api(root).get("/api/v1/usage.csv")
    [row] = csv.DictReader(io.StringIO(content(answer).decode()))
    assert (row["project"], row["user"], row["cpus"], row["cpu_hours"]) == (
        "'=Vision",
        "olivia",
        "2.0",
        "2.0",
    )
    assert hour.submitted_at
    assert row["from"] == hour.submitted_at.isoformat()
    lines = content(api(owner).get("/api/v1/projects/vision/usage.jsonl")).decode().splitlines()
    assert [json.loads(line)["gpu_hours"] for line in lines] == [1]
    assert not content(api(root).get("/api/v1/usage.jsonl", {"month": "2020-01"}))
    assert api(root).get("/api/v1/usage.jsonl", {"month": "last"}).json()["field"] == "month"
    assert api(root).get("/api/v1/usage.xls").json()["field"] == "format"


def test_the_ledger_from_a_terminal(hour: Allocation, tmp_path: Any) -> None:
    out = io.StringIO()
    call_command("export_usage", format="jsonl", stdout=out)
    [row] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert row["seconds"] == 3600
    file = tmp_path / "usage.csv"
    month = f"{clock.now():%Y-%m}"
    call_command("export_usage", project="vision", month=month, output=str(file))
    assert len(file.read_text().splitlines()) == 2
    for wrong in ({"project": "nothing"}, {"month": "12"}):
        with pytest.raises(CommandError):
            call_command("export_usage", **wrong)
