"""What an administrator does to tokens."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import ApiToken, AuditEvent, Project, User
from accounts.services.tokens import token_create
from mlplatform.kernel import clock

PLACE = "/admin/accounts/apitoken/"


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ada", "ada@example.org", "x"))
    return client


def test_revoking_is_written_down(admin: Client, owner: User, project: Project) -> None:
    tokens = [token_create(user=owner, name=name, project=project)[0] for name in ("one", "two", "three")]
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [tokens[0].pk, tokens[1].pk]}
    assert admin.post(PLACE, chosen).status_code == 302
    assert admin.post(f"{PLACE}{tokens[2].pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.exists()
    rows = AuditEvent.objects.filter(verb="token.revoke", actor__username="ada", project=project)
    assert {row.detail["of"] for row in rows} == {"olivia"}
    assert rows.count() == 3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"open", "over", "never"}),
        ("?expiry=open", {"open", "never"}),
        ("?expiry=over", {"over"}),
        ("?expiry=never", {"never"}),
        ("?scope__exact=read", set()),
        ("?membership__isempty=0", {"open"}),
        ("?q=Vision", {"open"}),
    ],
)
def test_tokens_of_everybody_are_found(
    admin: Client, owner: User, project: Project, query: str, names: set[str]
) -> None:
    token_create(user=owner, name="open", project=project)
    token_create(user=owner, name="never", days=None)
    token_create(user=owner, name="over")
    ApiToken.objects.filter(name="over").update(expires_at=clock.now() - timedelta(days=1))
    found = admin.get(f"{PLACE}{query}").context["cl"].result_list
    assert {token.name for token in found} == names
