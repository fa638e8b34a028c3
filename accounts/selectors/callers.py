"""Who speaks, and whether they still may: for connections that outlive a request."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.models import ApiToken, User
from mlplatform.kernel import clock


@dataclass(frozen=True)
class Caller:
    """A person, and what they have shown: a session with the hash of the password it began with, or a token."""

    user_id: int
    token_id: int | None = None
    session_key: str = ""
    password_hash: str = ""


def session_caller(user: User, session: SessionBase) -> Caller:
    """The person whose session this is."""
    return Caller(
        user.pk, session_key=session.session_key or "", password_hash=session.get(HASH_SESSION_KEY, "")
    )


def callers_valid(callers: Collection[Caller]) -> dict[Caller, User]:
    """Those whose session or token is still good, with the active user it is of. At most three queries."""
    tokens = {caller.token_id for caller in callers if caller.token_id is not None}
    keys = {caller.session_key for caller in callers if caller.token_id is None}
    kept_tokens = (
        set(ApiToken.objects.filter(pk__in=tokens).values_list("pk", flat=True)) if tokens else set()
    )
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now())
    kept_sessions = set(sessions.values_list("session_key", flat=True)) if keys else set()
    users = User.objects.filter(is_active=True).in_bulk({caller.user_id for caller in callers})
    hashes = {pk: user.get_session_auth_hash() for pk, user in users.items()}

    def is_good(caller: Caller) -> bool:
        if caller.token_id is not None:
            return caller.token_id in kept_tokens
        is_same = constant_time_compare(caller.password_hash, hashes[caller.user_id])
        return is_same and caller.session_key in kept_sessions

    return {
        caller: users[caller.user_id] for caller in callers if caller.user_id in users and is_good(caller)
    }
