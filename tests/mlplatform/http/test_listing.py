"""Lists of the API, page after page."""

import re
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.projects import project_create

Api = Callable[..., APIClient]


@pytest.fixture
def names(owner: User) -> list[str]:
    found = [f"Project {number:02}" for number in range(7)]
    for name in reversed(found):
        project_create(user=owner, name=name)
    return found


def walk(client: APIClient, path: str, relation: str) -> tuple[list[str], str]:
    """All names on the way, and the address of the last page."""
    found: list[str] = []
    while True:
        answer = client.get(path)
        assert answer.status_code == 200, answer.json()
        page = [project["name"] for project in answer.json()]
        found = found + page if relation == "next" else page + found
        link = re.search(rf'<([^>]+)>; rel="{relation}"', answer.get("Link", ""))
        if link is None:
            return found, path
        path = link[1]


def test_forwards_and_backwards(api: Api, owner: User, names: list[str]) -> None:
    client = api(owner)
    forwards, last = walk(client, "/api/v1/projects/?limit=3", "next")
    assert forwards == names
    backwards, _ = walk(client, last, "prev")
    assert backwards == names


def test_a_row_that_is_added_meanwhile_shifts_nothing(api: Api, owner: User, names: list[str]) -> None:
    client = api(owner)
    first = client.get("/api/v1/projects/?limit=3")
    project_create(user=owner, name="Before all")
    following = first["Link"].partition(">")[0].strip("<")
    assert [project["name"] for project in client.get(following).json()] == names[3:6]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=many", "limit"), ("after=x", "after")],
)
def test_bad_places(api: Api, owner: User, names: list[str], query: str, field: str) -> None:
    answer = api(owner).get(f"/api/v1/projects/?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
