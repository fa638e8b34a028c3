import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AuditEvent, Project, User
from accounts.selectors import audit as selector
from accounts.selectors.audit import AuditLook, audit_page, events, look_from
from accounts.services.audit import audit
from accounts.services.projects import project_create
from accounts.web.audit import details
from tests.fixtures import user_create

PORTAL = "/api/v1/audit/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def trail(project: Project, viewer: User) -> Project:
    """Of the project, of another one, and of none."""
    audit(project.created_by, "member.add", "victor", project=project, address="192.0.2.1", role="viewer")
    audit(viewer, "member.leave", "victor", project=project, project_name="Vision")
    audit(None, "project.deleted", "old sensors")
    audit(user_create("ada"), "member.add", "=1+1", project=project_create(user=viewer, name="Other"))
    return project


def told(client: APIClient, path: str, **query: Any) -> list[tuple[str, str]]:
    return [(row["verb"], row["target"]) for row in client.get(path, query).json()]


def as_user(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def test_owners_see_their_project_and_administrators_all(trail: Project, root: User, viewer: User) -> None:
    mine = reverse("api_project_audit", args=[trail.slug])
    assert told(as_user(trail.created_by), mine) == [
        ("member.leave", "victor"),
        ("member.add", "victor"),
        ("project.create", "vision"),
    ]
    assert len(told(as_user(root), PORTAL)) == AuditEvent.objects.count()
    assert as_user(trail.created_by).get(PORTAL).status_code == 403
    assert as_user(viewer).get(mine).status_code == 403
    row = as_user(trail.created_by).get(mine, {"verb": "member.add"}).json()[0]
    assert (row["actor"], row["project"], row["address"]) == ("olivia", "vision", "192.0.2.1")
    assert row["detail"] == {"role": "viewer"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"person": "ada"}, ["member.add"]),
        ({"person": "system"}, ["project.deleted"]),
        ({"verb": "MEMBER"}, ["member.add", "member.leave", "member.add"]),
        ({"q": "Sensors old"}, ["project.deleted"]),
        ({"q": "sensors%"}, []),
        ({"verb": "member", "to": "2020-01-01"}, []),
        ({"verb": "member.leave", "from": "2020-01-01", "to": "9999-12-31"}, ["member.leave"]),
    ],
)
def test_filters(trail: Project, root: User, query: dict[str, str], found: list[str]) -> None:
    assert [verb for verb, _ in told(as_user(root), PORTAL, **query)] == found


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-02-30", "\x00"])
def test_a_day_that_is_none(trail: Project, root: User, day: str) -> None:
    answer = as_user(root).get(PORTAL, {"from": day})
    assert (answer.status_code, answer.json().get("field")) in {(400, "from"), (400, None)}


def test_the_page_says_which_day_is_wrong(trail: Project, root: User) -> None:
    answer = as_user(root).get("/audit/", {"to": "soon"})
    assert answer.status_code == 400
    assert "write a day as" in answer.content.decode()


def test_the_page(client: Client, trail: Project, viewer: User) -> None:
    there = reverse("project_audit", args=[trail.slug])
    client.force_login(trail.created_by)
    page = client.get(there, {"verb": "member"}).content.decode()
    assert "192.0.2.1" in page
    assert f"{reverse('api_project_audit_file', args=[trail.slug, 'csv'])}?verb=member" in page
    client.force_login(viewer)
    assert client.get(there).status_code == 403
    assert client.get("/audit/").status_code == 403


def test_who_is_gone_is_named(client: Client, root: User) -> None:
    ada = user_create("ada")
    audit(ada, "test.write", "x")
    ada.delete()
    client.force_login(root)
    assert ">ada<" in client.get("/audit/?person=ada").content.decode()


def test_more_rows_are_no_more_queries(
    client: Client, trail: Project, root: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client.force_login(root)
    for number in range(20):
        audit(root, "test.write", number, project=trail)
    with django_assert_max_num_queries(5):
        client.get("/audit/")


def test_pages(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "ROWS", 3)
    for number in range(7):
        audit(None, "test.write", number)
    rows = events(AuditLook())

    def targets(**query: object) -> tuple[str, int | None, int | None]:
        page = audit_page(rows, {name: str(value) for name, value in query.items()})
        return "".join(row.target for row in page.rows), page.newer, page.older

    first, newer, older = targets()
    assert (first, newer) == ("654", None)
    second, newer, older = targets(before=older)
    assert second == "321"
    assert targets(before=older)[::2] == ("0", None)
    assert targets(after=newer)[:2] == ("654", None)
    last = rows.last()
    assert last
    assert targets(after=last.pk)[0] == "321"


def content(answer: Any) -> str:
    async def parts() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(parts)().decode()


@pytest.mark.django_db(transaction=True)
def test_files(trail: Project, root: User) -> None:
    client = as_user(root)
    lines = content(client.get("/api/v1/audit.csv")).splitlines()
    assert lines[0].startswith("id,at,actor,project,verb,target,address,detail,position,digest")
    assert len(lines) == 1 + AuditEvent.objects.count()
    assert "'=1+1" in content(client.get("/api/v1/audit.csv", {"person": "ada"}))
    mine = reverse("api_project_audit_file", args=[trail.slug, "jsonl"])
    rows = [json.loads(line) for line in content(client.get(mine, {"verb": "member.add"})).splitlines()]
    assert [(row["target"], row["detail"], len(row["digest"])) for row in rows] == [
        ("victor", {"role": "viewer"}, 64)
    ]
    assert client.get("/api/v1/audit.xml").status_code == 400


def test_details_are_words() -> None:
    event = AuditEvent(
        detail={
            "after": {"hard": 4, "soft": None},
            "before": {"hard": 2.5},
            "is_active": True,
            "runs": [1, 2],
            "deep": {"a": {"b": 1}},
            "email": "",
            "key": "project::x",
        }
    )
    assert details(event) == [
        ("before", "hard 2.5"),
        ("is active", "yes"),
        ("runs", "1, 2"),
        ("deep", '{"a": {"b": 1}}'),
        ("after", "hard 4, soft none"),
    ]


def test_nothing_is_asked_for() -> None:
    assert not look_from({"verb": "  "})
