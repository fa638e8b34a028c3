import re

from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services.tokens import token_create


def test_anonymous_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/tokens/")["Location"].startswith("/accounts/login/")


def test_token_is_shown_once_and_works(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "No token yet" in client.get("/tokens/").content.decode()
    page = client.post("/tokens/", {"name": "nightly"})
    found = re.search(r'id="new-token">(mlp_[^<]+)<', page.content.decode())
    assert found
    assert "no-store" in page["Cache-Control"]
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {found[1]}")
    assert api.get("/api/v1/me/").json()["username"] == owner.username
    assert found[1] not in client.get("/tokens/").content.decode()


def test_token_needs_a_name(client: Client, owner: User) -> None:
    client.force_login(owner)
    for name in ("", "  "):
        response = client.post("/tokens/", {"name": name})
        assert response.status_code == 400
        assert "This field is required." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_owner_revokes(client: Client, owner: User) -> None:
    token, _ = token_create(user=owner, name="old")
    client.force_login(owner)
    response = client.post(f"/tokens/{token.pk}/revoke/", follow=True)
    assert "The token is revoked." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_stranger_cannot_revoke(client: Client, owner: User, stranger: User) -> None:
    token, _ = token_create(user=owner, name="old")
    client.force_login(stranger)
    assert client.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert client.get(f"/tokens/{token.pk}/revoke/").status_code == 405
    assert ApiToken.objects.exists()
