"""Saved views and tags: who sees, changes and deletes them."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Project, Role, User
from experiments.models import Experiment, RunView
from experiments.services import views

Api = Callable[..., APIClient]
VIEWS = "/api/v1/projects/vision/views/"


@pytest.fixture
def editor(project: Project) -> User:
    user = User.objects.create_user("edith", "edith@example.org", "x")
    Membership.objects.create(project=project, user=user, role=Role.EDITOR)
    return user


def made(api: Api, user: User, **content: Any) -> Any:
    return api(user).post(VIEWS, {"name": "good", **content}, format="json")


def names(api: Api, user: User) -> list[str]:
    return [view["name"] for view in api(user).get(VIEWS).json()]


def test_a_personal_view_is_only_its_owners(api: Api, owner: User, viewer: User, stranger: User) -> None:
    content = {
        "where": "metrics.accuracy > 0.9",
        "sort": "-metrics.accuracy",
        "columns": ["state"],
        "differing": True,
        "group": "params.lr",
        "pinned": [2, 1],
        "pinned_of": None,
    }
    view = made(api, viewer, **content)
    assert view.status_code == 201
    assert view.json() == content | {
        "id": view.json()["id"], "name": "good", "is_shared": False, "is_default": False
    }  # fmt: skip
    path = f"/api/v1/views/{view.json()['id']}/"
    assert api(viewer).get(path).status_code == 200
    for other in (owner, stranger):
        assert api(other).get(path).status_code == 404
        assert api(other).patch(path, {"name": "mine"}, format="json").status_code == 404
        assert api(other).delete(path).status_code == 404
    assert names(api, owner) == []
    assert names(api, viewer) == ["good"]
    assert api(stranger).get(VIEWS).status_code == 404
    assert made(api, stranger).status_code == 404
    # Whoever leaves the project sees it no more.
    Membership.objects.filter(user=viewer).delete()
    assert api(viewer).get(path).status_code == 404


def test_the_projects_views_are_the_editors(api: Api, editor: User, viewer: User) -> None:
    assert made(api, viewer, is_shared=True).status_code == 403
    view = made(api, editor, is_shared=True)
    path = f"/api/v1/views/{view.json()['id']}/"
    assert names(api, viewer) == ["good"]
    assert api(viewer).patch(path, {"name": "x"}, format="json").status_code == 403
    assert api(viewer).delete(path).status_code == 403
    assert api(editor).patch(path, {"sort": "-number"}, format="json").json()["sort"] == "-number"
    assert api(editor).delete(path).status_code == 204
    assert names(api, viewer) == []


def test_one_default_each(api: Api, owner: User, viewer: User) -> None:
    for name in ("one", "two"):
        made(api, owner, name=name, is_default=True)
    made(api, owner, name="three", is_default=True, is_shared=True)
    made(api, viewer, name="four", is_default=True)
    assert sorted(RunView.objects.filter(is_default=True).values_list("name", flat=True)) == [
        "four",
        "three",
        "two",
    ]


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        ({"where": "metrics.x >"}, 400, "where"),
        ({"where": "x" * 2001}, 400, "where"),
        ({"sort": "lr"}, 400, "sort"),
        ({"sort": f"tags.{'x' * 296}"}, 400, "sort"),
        ({"name": " "}, 400, None),
        ({"name": "x" * 61}, 400, "name"),
        ({"columns": ["x"] * 101}, 400, "columns"),
        ({"columns": ["x" * 301]}, 400, "columns"),
        ({"name": "taken"}, 409, "name"),
    ],
)
@pytest.mark.usefixtures("project")
def test_refused(api: Api, owner: User, content: Any, status: int, field: str | None) -> None:
    made(api, owner, name="taken")
    answer = made(api, owner, **content)
    assert (answer.status_code, answer.json().get("field")) == (status, field)


def test_nobody_keeps_views_from_others(
    api: Api, owner: User, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_VIEWS", 1)
    assert made(api, viewer).status_code == 201
    full = made(api, viewer, name="more")
    assert (full.status_code, full.json()["detail"]) == (
        409,
        "You have in Vision 1 views already; delete one first.",
    )
    assert made(api, owner).status_code == 201
    assert made(api, owner, is_shared=True).status_code == 201
    assert made(api, owner, name="more", is_shared=True).status_code == 409


def test_tags(api: Api, owner: User, viewer: User, stranger: User, experiment: Experiment) -> None:
    path = f"/api/v1/experiments/{experiment.id}/runs/tag/"
    body = {"numbers": [1, 2, 9], "tags": {"kind": "ablation", "by": "o"}}
    assert api(stranger).post(path, body, format="json").status_code == 404
    assert api(viewer).post(path, body, format="json").status_code == 403
    assert api(owner).post(path, body, format="json").json() == {"changed": [1, 2], "skipped": [9]}
    api(owner).post(path, {"numbers": [2], "tags": {"by": None}}, format="json")
    runs = api(viewer).get(f"/api/v1/experiments/{experiment.id}/runs/", {"where": "tags.by = o"}).json()
    assert [(run["number"], run["tags"]) for run in runs] == [(1, {"kind": "ablation", "by": "o"})]


@pytest.mark.parametrize(
    "tags",
    [{}, {"": "x"}, {"a" * 61: "x"}, {"a": "x" * 201}, {"a\0": "x"}, {f"t{n}": "x" for n in range(51)}],
)
def test_tags_that_are_refused(api: Api, owner: User, experiment: Experiment, tags: Any) -> None:
    path = f"/api/v1/experiments/{experiment.id}/runs/tag/"
    assert api(owner).post(path, {"numbers": [1], "tags": tags}, format="json").status_code == 400
    assert experiment.runs.get(number=1).tags == {}


def test_pages_of_runs(api: Api, owner: User, stranger: User, experiment: Experiment) -> None:
    for path in (f"/api/v1/experiments/{experiment.id}/runs/", "/api/v1/projects/vision/runs/"):
        first = api(owner).get(path, {"limit": "1", "sort": "-number"})
        assert [run["number"] for run in first.json()] == [2]
        assert first["Total-Count"] == "2"
        following = first["Link"].partition("<")[2].partition(">")[0].removeprefix("http://127.0.0.1:8000")
        assert [run["number"] for run in api(owner).get(following).json()] == [1]
        assert api(stranger).get(path).status_code == 404
        refused = api(owner).get(path, {"where": "state = x"})
        assert (refused.status_code, refused.json()["column"], refused.json()["field"]) == (400, 9, "where")
        for bad in ("0", "x", "1001", "-1", "000001000000000", "9" * 5000):
            assert api(owner).get(path, {"limit": bad}).json()["field"] == "limit"


@pytest.mark.parametrize(
    ("field", "value"), [("group", "metrics.loss"), ("group", "((("), ("pinned", list(range(1, 22)))]
)
def test_groups_and_pins_are_checked(
    api: Callable[..., APIClient], owner: User, project: Project, field: str, value: Any
) -> None:
    body = {"name": "x", field: value}
    answer = api(owner).post("/api/v1/projects/vision/views/", body, format="json")
    assert answer.status_code == 400
    kept = {"name": "y", "group": "params.lr", "pinned": [3]}
    answer = api(owner).post("/api/v1/projects/vision/views/", kept, format="json")
    assert kept.items() <= answer.json().items()
