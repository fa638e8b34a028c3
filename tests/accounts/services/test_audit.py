from typing import Any

from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AuditEvent, Project, User
from accounts.services.audit import audit
from accounts.services.tokens import token_create


def test_where_from_is_the_address_of_the_request(client: Client, project: Project, viewer: User) -> None:
    client.force_login(project.created_by)
    there = reverse("member_change", args=[project.slug, viewer.username])
    client.post(there, {"role": "editor"}, REMOTE_ADDR="192.0.2.7")
    row = AuditEvent.objects.get(verb="member.change")
    assert (row.actor_name, row.project_slug, row.address) == ("olivia", project.slug, "192.0.2.7")


def test_over_rest_too(project: Project, viewer: User) -> None:
    _, text = token_create(user=project.created_by, name="ci", scope="admin")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}", REMOTE_ADDR="192.0.2.8")
    assert client.delete(reverse("api_member", args=[project.slug, viewer.username])).status_code == 204
    row = AuditEvent.objects.get(verb="member.remove")
    assert (row.address, row.detail["token"]) == ("192.0.2.8", text[: len(row.detail["token"])])


def test_headers_count_behind_a_proxy_only(client: Client, owner: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    given = {"login": owner.username, "password": "wrong"}
    client.post(
        "/accounts/login/", given, REMOTE_ADDR="192.0.2.9", headers={"x-forwarded-for": "198.51.100.1"}
    )
    assert AuditEvent.objects.get(verb="sign_in.failed").address == "192.0.2.9"


def test_background_work_has_no_address(owner: User) -> None:
    audit(owner, "test.write", "x" * 300)
    row = AuditEvent.objects.get(verb="test.write")
    assert (row.address, len(row.target)) == ("", 200)
