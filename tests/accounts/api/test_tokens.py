"""Tokens over REST: made, shown once, limited, rotated, revoked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from accounts.models import ApiToken, Membership, Project, Role, Scope, User
from accounts.services.tokens import token_create
from mlplatform.kernel import clock
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
WITHOUT_LIMIT = {"scope": "admin", "days": None}


@pytest.fixture
def with_text(api: Api) -> Callable[[str], APIClient]:
    def client(text: str) -> APIClient:
        made = api()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return made

    return client


def test_a_token_of_ones_own(api: Api, owner: User, with_text: Any) -> None:
    made = api(owner).post("/api/v1/tokens/", {"name": "ci", "scope": "read", "days": 7}, format="json")
    assert made.status_code == 201
    text = made.json()["token"]
    assert text.startswith(made.json()["prefix"])
    me = with_text(text).get("/api/v1/me/").json()
    assert me["token"] == {key: made.json()[key] for key in ("prefix", "scope", "project", "expires_at")}
    [listed] = api(owner).get("/api/v1/tokens/").json()
    assert listed == api(owner).get(f"/api/v1/tokens/{listed['id']}/").json()
    assert (listed["name"], listed["scope"], listed["last_used_from"]) == ("ci", "read", "127.0.0.1")
    assert "token" not in listed
    assert api(owner).delete(f"/api/v1/tokens/{listed['id']}/").status_code == 204
    assert with_text(text).get("/api/v1/me/").status_code == 401


def test_they_expire_unless_told_otherwise(api: Api, owner: User) -> None:
    found = api(owner).post("/api/v1/tokens/", {"name": "ci"}, format="json").json()
    expires_at = parse_datetime(found["expires_at"])
    assert found["scope"] == "write"
    assert expires_at is not None
    assert timedelta(days=89) < expires_at - clock.now() <= timedelta(days=90)
    never = api(owner).post("/api/v1/tokens/", {"name": "ci", "days": None}, format="json").json()
    assert never["expires_at"] is None


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({}, "name"),
        ({"name": "x", "scope": "all"}, "scope"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "days": "long"}, "days"),
        ({"name": "x", "forever": True}, "forever"),
    ],
)
def test_what_makes_no_token(api: Api, owner: User, body: dict[str, Any], blamed: str) -> None:
    answer = api(owner).post("/api/v1/tokens/", body, format="json")
    problem = answer.json()
    assert answer.status_code == 400
    assert blamed in (problem.get("field"), *problem.get("errors", {}))
    assert not ApiToken.objects.exists()


def test_rotating(api: Api, owner: User, with_text: Any) -> None:
    token, old = token_create(user=owner, name="ci")
    path = f"/api/v1/tokens/{token.pk}/rotate/"
    made = api(owner).post(path, {"grace_hours": 1, "days": 30}, format="json")
    assert (made.status_code, made.json()["id"]) == (200, token.pk)
    new = made.json()["token"]
    assert [with_text(text).get("/api/v1/me/").status_code for text in (old, new)] == [200, 200]
    assert api(owner).post(path).status_code == 200
    assert [with_text(text).get("/api/v1/me/").status_code for text in (old, new)] == [401, 401]
    for body in ({"grace_hours": 169}, {"days": 0}):
        assert api(owner).post(path, body, format="json").status_code == 400


def test_tokens_of_others_are_not_there(api: Api, owner: User, stranger: User) -> None:
    token, _ = token_create(user=owner, name="ci")
    for method, path in (("get", ""), ("delete", ""), ("post", "rotate/")):
        assert getattr(api(stranger), method)(f"/api/v1/tokens/{token.pk}/{path}").status_code == 404
    assert api(stranger).get("/api/v1/tokens/").json() == []


def test_tokens_of_a_project(api: Api, owner: User, viewer: User, stranger: User, with_text: Any) -> None:
    path = "/api/v1/projects/vision/tokens/"
    made = api(owner).post(path, {"name": "ci", "scope": "admin"}, format="json")
    assert (made.status_code, made.json()["project"]) == (201, "vision")
    [listed] = api(owner).get(path).json()
    assert listed["user"] == "olivia"
    for who, code in ((viewer, 403), (stranger, 404)):
        assert api(who).get(path).status_code == code
        assert api(who).post(path, {"name": "ci"}, format="json").status_code == code
        assert api(who).delete(f"{path}{listed['id']}/").status_code == code
    client = with_text(made.json()["token"])
    assert client.get("/api/v1/me/").json()["token"]["project"] == "vision"
    assert client.get("/api/v1/projects/").json()[0]["slug"] == "vision"
    assert client.get(path).status_code == 200
    assert client.delete(f"{path}{listed['id']}/").status_code == 403
    assert client.get("/api/v1/tokens/").status_code == 403
    assert client.post("/api/v1/projects/", {"name": "Mine"}, format="json").status_code == 403
    assert api(owner).delete(f"{path}{listed['id']}/").status_code == 204
    assert client.get(path).status_code == 401


def test_a_token_that_reads_changes_nothing(
    api: Api, project: Project, owner: User, viewer: User, with_text: Any
) -> None:
    """Not even what viewers may keep for themselves; but it can end itself."""
    body = {"name": "Mine", "where": "", "sort": "", "columns": []}
    path = f"/api/v1/projects/{project.slug}/views/"
    assert api(viewer).post(path, body, format="json").status_code == 201
    client = with_text(token_create(user=owner, name="ci", scope=Scope.READ)[1])
    refused = client.post(path, body, format="json")
    assert (refused.status_code, "may only read" in refused.json()["detail"]) == (403, True)
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 405
    assert client.delete("/api/v1/auth/tokens/current/").status_code == 204


def test_an_administrator_is_nobody_special_with_a_lesser_token(
    api: Api, project: Project, with_text: Any
) -> None:
    admin = User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    for scope, code, is_admin in ((Scope.WRITE, 404, False), (Scope.ADMIN, 200, True)):
        client = with_text(token_create(user=admin, name="ci", scope=scope)[1])
        assert client.get(f"/api/v1/projects/{project.slug}/").status_code == code
        assert client.get("/api/v1/me/").json()["is_admin"] == is_admin


def test_a_token_of_a_project_ends_with_its_makers_membership(
    api: Api, project: Project, owner: User, with_text: Any
) -> None:
    client = with_text(token_create(user=owner, name="ci", project=project, scope=Scope.ADMIN)[1])
    Membership.objects.update(role=Role.VIEWER)
    assert client.get("/api/v1/projects/vision/").status_code == 200
    assert client.get("/api/v1/projects/vision/tokens/").status_code == 403
    Membership.objects.all().delete()
    assert client.get("/api/v1/projects/vision/").status_code == 401


def test_signing_in_says_how_much_and_how_long(api: Api, owner: User) -> None:
    given = {"username": "olivia", "password": PASSWORD}
    plain = api().post("/api/v1/auth/tokens/", given, format="json").json()
    assert (plain["scope"], plain["name"]) == ("write", "REST client")
    assert plain["expires_at"]
    whole = api().post("/api/v1/auth/tokens/", {**given, **WITHOUT_LIMIT}, format="json").json()
    assert (whole["scope"], whole["expires_at"]) == ("admin", None)


def test_lists_cost_the_same_however_long(
    api: Api, project: Project, owner: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        token_create(user=owner, name=str(number), project=project)
    client = api(owner)
    for path in ("/api/v1/tokens/", "/api/v1/projects/vision/tokens/"):
        with django_assert_max_num_queries(7):
            assert len(client.get(path).json()) == 5
