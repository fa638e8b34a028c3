import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, Membership, Project, Role, Scope, User
from accounts.services import tokens
from accounts.services.tokens import token_create
from mlplatform.kernel import clock
from tests.fixtures import user_create

NIGHTLY = {"name": "nightly", "scope": "read", "days": "30"}


def shown(page: Any) -> str:
    found = re.search(r'id="new-token">(mlp_[^<]+)<', page.content.decode())
    assert found
    assert "no-store" in page["Cache-Control"]
    return found[1]


def me(text: str) -> Any:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return api.get("/api/v1/me/").json()


def test_anonymous_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/tokens/")["Location"].startswith("/accounts/login/")


def test_token_is_shown_once_and_works(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "No token yet" in client.get("/tokens/").content.decode()
    text = shown(client.post("/tokens/", NIGHTLY))
    assert me(text)["username"] == owner.username
    assert me(text)["token"]["scope"] == "read"
    again = client.get("/tokens/").content.decode()
    assert text not in again
    assert "from 127.0.0.1" in again


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "  "}, {"scope": "all"}, {"days": "9999"}, {"days": ""}]
)
def test_what_makes_no_token(client: Client, owner: User, wrong: dict[str, str]) -> None:
    client.force_login(owner)
    response = client.post("/tokens/", NIGHTLY | wrong)
    assert response.status_code == 400
    assert "is-invalid" in response.content.decode()
    assert not ApiToken.objects.exists()


def test_too_many(client: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 0)
    client.force_login(owner)
    response = client.post("/tokens/", NIGHTLY)
    assert (response.status_code, "tokens already" in response.content.decode()) == (400, True)


def test_one_that_never_expires_is_warned_of(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "Never (not advised)" in client.get("/tokens/").content.decode()
    page = client.post("/tokens/", {**NIGHTLY, "days": "never"})
    assert 'class="token-never"' in page.content.decode()
    assert ApiToken.objects.get().expires_at is None


def test_an_expired_one_is_called_so(client: Client, owner: User) -> None:
    token_create(user=owner, name="old")
    ApiToken.objects.update(expires_at=clock.now() - timedelta(days=1))
    client.force_login(owner)
    assert ">Expired<" in client.get("/tokens/").content.decode()


def test_owner_revokes(client: Client, owner: User) -> None:
    token, _ = token_create(user=owner, name="old")
    client.force_login(owner)
    response = client.post(f"/tokens/{token.pk}/revoke/", follow=True)
    assert "The token is revoked." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_stranger_can_do_nothing_with_it(client: Client, owner: User, stranger: User) -> None:
    token, _ = token_create(user=owner, name="old")
    client.force_login(stranger)
    assert client.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert client.get(f"/tokens/{token.pk}/revoke/").status_code == 405
    assert client.get(f"/tokens/{token.pk}/rotate/").status_code == 404
    assert client.post(f"/tokens/{token.pk}/rotate/", {"grace": "0", "days": "before"}).status_code == 404
    assert ApiToken.objects.exists()


def test_rotating(client: Client, owner: User) -> None:
    token, old = token_create(user=owner, name="nightly")
    client.force_login(owner)
    path = f"/tokens/{token.pk}/rotate/"
    assert "Rotate nightly" in client.get(path).content.decode()
    assert client.post(path, {"grace": "5", "days": "before"}).status_code == 400
    page = client.post(path, {"grace": "24", "days": "7"})
    assert "The old one dies" in page.content.decode()
    assert [me(text).get("username") for text in (old, shown(page))] == ["olivia", "olivia"]
    page = client.post(path, {"grace": "0", "days": "before"})
    assert "The old one works no more" in page.content.decode()
    assert me(old).get("username") is None


def test_tokens_of_a_project(client: Client, owner: User, project: Project) -> None:
    client.force_login(owner)
    path = "/p/vision/tokens/"
    assert "No token of this project yet" in client.get(path).content.decode()
    text = shown(client.post(path, NIGHTLY))
    assert me(text)["token"]["project"] == "vision"
    assert "in Vision only" in client.get("/tokens/").content.decode()
    token = ApiToken.objects.get()
    assert client.post(f"{path}{token.pk}/revoke/", follow=True).redirect_chain == [(path, 302)]
    assert not ApiToken.objects.exists()


def test_owners_of_a_project_see_each_others(client: Client, owner: User, project: Project) -> None:
    other = user_create("otto")
    Membership.objects.create(user=other, project=project, role=Role.OWNER)
    token, _ = token_create(user=owner, name="nightly", project=project)
    token_create(user=owner, name="secret plans")
    client.force_login(other)
    page = client.get("/p/vision/tokens/").content.decode()
    assert "by olivia" in page
    assert "secret plans" not in page
    assert f"/tokens/{token.pk}/rotate/" not in page
    assert client.post(f"/p/vision/tokens/{token.pk}/revoke/").status_code == 302
    assert ApiToken.objects.get().name == "secret plans"


def test_others_do_not(client: Client, owner: User, viewer: User, stranger: User, project: Project) -> None:
    token, _ = token_create(user=owner, name="nightly", project=project)
    for who, code in ((viewer, 403), (stranger, 404)):
        client.force_login(who)
        assert client.get("/p/vision/tokens/").status_code == code
        assert client.post("/p/vision/tokens/", NIGHTLY).status_code == code
        assert client.post(f"/p/vision/tokens/{token.pk}/revoke/").status_code == code
    assert ApiToken.objects.get() == token


def test_an_administrator_who_is_no_member_makes_none(client: Client, project: Project) -> None:
    client.force_login(User.objects.create_superuser("ada", "ada@example.org", "x"))
    response = client.post("/p/vision/tokens/", NIGHTLY)
    assert (response.status_code, "you are none of Vision" in response.content.decode()) == (400, True)


def test_pages_cost_the_same_however_long(
    client: Client, owner: User, project: Project, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        token_create(user=owner, name=str(number), scope=Scope.READ, project=project)
    client.force_login(owner)
    for path in ("/tokens/", "/p/vision/tokens/"):
        with django_assert_max_num_queries(7):
            assert client.get(path).content.decode().count(">Rotate<") == 6
