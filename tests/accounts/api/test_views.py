from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken, Project, User
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


def sign_in(api: Api, username: str, password: str) -> Any:
    return api().post(
        "/api/v1/auth/tokens/", {"username": username, "password": password, "name": "ci"}, format="json"
    )


def test_a_password_gets_a_token_that_opens_the_api(api: Api, owner: User) -> None:
    answer = sign_in(api, "olivia", PASSWORD)
    assert answer.status_code == 201
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
    assert client.get("/api/v1/me/").json()["username"] == "olivia"
    row = ApiToken.objects.get()
    assert row.last_used_at is not None
    assert answer.json()["token"] not in (row.digest, row.prefix)


def test_an_email_address_signs_in_too(api: Api, owner: User) -> None:
    assert sign_in(api, "olivia@example.org", PASSWORD).status_code == 201


def test_a_wrong_password_is_401_and_says_nothing_about_the_user(api: Api, owner: User) -> None:
    wrong, unknown = sign_in(api, "olivia", "nope"), sign_in(api, "nobody", "nope")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json()
    assert wrong["Content-Type"] == "application/problem+json"


def test_guessing_is_slowed_down(api: Api, owner: User) -> None:
    codes = [sign_in(api, "olivia", "nope").status_code for _ in range(21)]
    assert codes[-1] == 429


def test_a_token_can_end_itself(api: Api, owner: User) -> None:
    kept, ended = (sign_in(api, "olivia", PASSWORD).json()["token"] for _ in range(2))
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {ended}")
    assert client.delete("/api/v1/auth/tokens/current/").status_code == 204
    assert client.delete("/api/v1/auth/tokens/current/").status_code == 401
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {kept}")
    assert client.get("/api/v1/me/").status_code == 200
    assert api(owner).delete("/api/v1/auth/tokens/current/").status_code == 401
    assert ApiToken.objects.count() == 1


def test_guessing_from_many_addresses_is_slowed_down_too(api: Api, owner: User) -> None:
    codes = []
    for number in range(30):
        client = api()
        where: dict[str, Any] = {
            "REMOTE_ADDR": f"192.0.2.{number}",
            "HTTP_X_FORWARDED_FOR": f"198.51.100.{number}",
        }
        given = {"username": ("olivia", " Olivia")[number % 2], "password": "nope"}
        codes.append(client.post("/api/v1/auth/tokens/", given, format="json", **where).status_code)
    assert set(codes[:5]) == {401}
    assert set(codes[5:]) == {429}
    assert sign_in(api, "victor", "nope").status_code == 401, "only the one name is held up"


@pytest.mark.parametrize("body", [[], {"username": ["olivia"]}, {"username": 3}, {}])
def test_nonsense_is_no_credentials(api: Api, db: None, body: object) -> None:
    assert api().post("/api/v1/auth/tokens/", body, format="json").status_code in {400, 401}


@pytest.mark.parametrize("header", ["", "Bearer nope", "Bearer ", "Basic b2xpdmlhOng="])
def test_without_a_valid_token_it_is_401(api: Api, db: None, header: str) -> None:
    client = api()
    client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/v1/projects/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_of_a_disabled_user_is_dead(api: Api, owner: User) -> None:
    token = sign_in(api, "olivia", PASSWORD).json()["token"]
    User.objects.update(is_active=False)
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/api/v1/me/").status_code == 401


def test_projects_are_listed_for_members_only(
    api: Api, project: Project, viewer: User, stranger: User
) -> None:
    assert [p["slug"] for p in api(viewer).get("/api/v1/projects/").json()] == ["vision"]
    assert api(stranger).get("/api/v1/projects/").json() == []
    assert api(viewer).get("/api/v1/projects/vision/").status_code == 200
    assert api(stranger).get("/api/v1/projects/vision/").status_code == 404


def test_a_project_is_created_by_name(api: Api, owner: User) -> None:
    answer = api(owner).post("/api/v1/projects/", {"name": "Speech"}, format="json")
    assert (answer.status_code, answer.json()["slug"]) == (201, "speech")
    bad = api(owner).post("/api/v1/projects/", {"name": ""}, format="json")
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid")
