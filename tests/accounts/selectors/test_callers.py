from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from accounts.models import ApiToken, Project, Scope, User
from accounts.selectors.callers import Caller, callers_valid, session_caller
from accounts.services.tokens import digest, token_create, token_rotate
from mlplatform.kernel import clock
from tests.fixtures import PASSWORD


@pytest.fixture
def browser(owner: User) -> Caller:
    """A browser that has signed in."""
    client = Client()
    client.login(username=owner.username, password=PASSWORD)
    return session_caller(owner, SessionStore(client.cookies["mlp_session_8000"].value))


def with_token(user: User, **given: Any) -> Caller:
    token, text = token_create(user=user, name="ci", **given)
    return Caller(user.pk, token_id=token.pk, token_digest=digest(text))


def test_many_are_asked_for_at_once(
    owner: User, viewer: User, browser: Caller, django_assert_num_queries: Any
) -> None:
    token = with_token(viewer)
    with django_assert_num_queries(3):
        assert callers_valid([browser, token]) == {browser: owner, token: viewer}


def test_a_session_ends(browser: Caller, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + timedelta(days=3650)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        assert callers_valid([browser]) == {}
    assert callers_valid([browser]) == {browser: owner}
    SessionStore(browser.session_key).delete()
    assert callers_valid([browser]) == {}


def test_a_session_of_an_old_password_is_no_good(browser: Caller, owner: User) -> None:
    owner.set_password("another horse battery")
    owner.save()
    assert callers_valid([browser]) == {}


def test_a_token_outlives_a_password_but_not_its_owner(owner: User) -> None:
    caller = with_token(owner)
    owner.set_password("another horse battery")
    owner.save()
    assert callers_valid([caller]) == {caller: owner}
    User.objects.update(is_active=False)
    assert callers_valid([caller]) == {}
    User.objects.update(is_active=True)
    ApiToken.objects.all().delete()
    assert callers_valid([caller]) == {}


def test_a_token_expires(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = with_token(owner, days=1)
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert callers_valid([caller]) == {}


def test_a_text_that_was_rotated_away_is_no_good(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = with_token(owner)
    assert caller.token_id is not None
    hour = timedelta(hours=1)
    token_rotate(user=owner, token_id=caller.token_id, grace=hour)
    assert callers_valid([caller]) == {caller: owner}
    later = clock.now() + hour
    monkeypatch.setattr(clock, "now", lambda: later)
    assert callers_valid([caller]) == {}


def test_each_has_what_its_own_token_grants(owner: User, project: Project, browser: Caller) -> None:
    reads, limited = with_token(owner, scope=Scope.READ), with_token(owner, project=project)
    found = callers_valid([browser, reads, limited])
    grants = [found[caller].grant for caller in (reads, limited)]
    assert [(grant.scope, grant.project_id) for grant in grants if grant] == [
        (Scope.READ, None),
        (Scope.WRITE, project.pk),
    ]
    assert found[browser].grant is None


def test_nobody_is_nobody(db: None) -> None:
    assert callers_valid([]) == {}
    assert callers_valid([Caller(1), Caller(2, token_id=3)]) == {}
