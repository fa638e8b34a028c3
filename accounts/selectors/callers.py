"""Who speaks, and whether they still may: for connections that outlive a request."""

from collections.abc import Collection
from copy import copy
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
    # Of the text that was shown: a token that is rotated has another one.
    token_digest: str = ""
    session_key: str = ""
    password_hash: str = ""


def session_caller(user: User, session: SessionBase) -> Caller:
    """The person whose session this is."""
    return Caller(
        user.pk, session_key=session.session_key or "", password_hash=session.get(HASH_SESSION_KEY, "")
    )


def callers_valid(callers: Collection[Caller]) -> dict[Caller, User]:
    """Those whose session or token is still good, with the active user it is of, and what the token grants.

    At most three queries.
    """
    now = clock.now()
    tokens = {caller.token_id for caller in callers if caller.token_id is not None}
    keys = {caller.session_key for caller in callers if caller.token_id is None}
    kept = ApiToken.objects.select_related("membership").in_bulk(tokens) if tokens else {}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=now)
    kept_sessions = set(sessions.values_list("session_key", flat=True)) if keys else set()
    users = User.objects.filter(is_active=True).in_bulk({caller.user_id for caller in callers})
    hashes = {pk: user.get_session_auth_hash() for pk, user in users.items()}

    def speaks_for(caller: Caller) -> User | None:
        user = users.get(caller.user_id)
        if user is None:
            return None
        if caller.token_id is None:
            is_same = constant_time_compare(caller.password_hash, hashes[user.pk])
            return user if is_same and caller.session_key in kept_sessions else None
        token = kept.get(caller.token_id)
        if token is None or not token.is_good(caller.token_digest, now):
            return None
        # Of their own: another token of the same person grants something else.
        limited = copy(user)
        limited.grant = token.grant
        return limited

    found = {caller: speaks_for(caller) for caller in callers}
    return {caller: user for caller, user in found.items() if user is not None}
