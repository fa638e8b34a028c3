from datetime import timedelta

import pytest

from accounts.models import ApiToken, AuditEvent, Project, User
from accounts.services.token_use import MAX_ADDRESSES, token_use, token_user
from accounts.services.tokens import token_create
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unauthenticated


def seen() -> list[str]:
    rows = AuditEvent.objects.filter(verb="token.use").order_by("id")
    return [row.address for row in rows]


def test_its_use_is_noted_once_a_minute(owner: User) -> None:
    _, text = token_create(user=owner, name="ci")
    token_user(text)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    token_user(text)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=clock.now() - timedelta(minutes=2))
    token_user(text)
    used = ApiToken.objects.get().last_used_at
    assert used is not None
    assert used >= first


def test_a_new_address_is_noted_at_once_and_once(owner: User, project: Project) -> None:
    _, text = token_create(user=owner, name="ci", project=project)
    for address in ("192.0.2.1", "192.0.2.1", "2001:db8::1", "192.0.2.1", ""):
        token_use(text, address)
    assert seen() == ["192.0.2.1", "2001:db8::1"]
    assert ApiToken.objects.get().last_used_from == "2001:db8::1"
    assert set(AuditEvent.objects.filter(verb="token.use").values_list("project", flat=True)) == {project.pk}


def test_a_token_remembers_so_many_addresses(owner: User) -> None:
    _, text = token_create(user=owner, name="ci")
    for number in range(MAX_ADDRESSES + 1):
        token_use(text, f"192.0.2.{number}")
    assert len(ApiToken.objects.get().used_from) == MAX_ADDRESSES
    assert len(seen()) == MAX_ADDRESSES + 1


@pytest.mark.parametrize("text", ["", "mlp_", "mlp_wrong"])
def test_nonsense(db: None, text: str) -> None:
    with pytest.raises(Unauthenticated):
        token_use(text)
