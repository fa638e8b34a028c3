from datetime import timedelta

import pytest

from accounts.models import ApiToken, User
from accounts.services.tokens import token_create, token_revoke, token_user
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput, NotFound, Unauthenticated


def test_a_token_works_until_it_is_revoked(owner: User) -> None:
    token, text = token_create(user=owner, name="ci")
    assert text.startswith(token.prefix)
    assert token_user(text) == owner
    token_revoke(user=owner, token_id=token.pk)
    with pytest.raises(Unauthenticated):
        token_user(text)


def test_nobody_revokes_a_token_of_another(owner: User, stranger: User) -> None:
    token, _ = token_create(user=owner, name="ci")
    with pytest.raises(NotFound):
        token_revoke(user=stranger, token_id=token.pk)
    assert ApiToken.objects.exists()


def test_its_use_is_noted_once_a_minute(owner: User) -> None:
    token, text = token_create(user=owner, name="ci")
    token_user(text)
    first = ApiToken.objects.get().last_used_at
    token_user(text)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=clock.now() - timedelta(minutes=2))
    token_user(text)
    used = ApiToken.objects.get(pk=token.pk).last_used_at
    assert used is not None
    assert first is not None
    assert used >= first


def test_it_needs_a_name(owner: User) -> None:
    with pytest.raises(InvalidInput):
        token_create(user=owner, name=" ")
