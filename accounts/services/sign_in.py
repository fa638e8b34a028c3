"""What happens when people sign in: audit rows with the address, and a second factor for those who have one."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User
from accounts.services.audit import audit, client_address
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Busy, Unauthenticated

UNKNOWN = "an unknown name"


class SecondFactorRequired(Unauthenticated):
    """The password is right, and is not enough."""

    code = "second_factor_required"


def request_audit(
    request: HttpRequest | None, actor: User | None, verb: str, target: object, **detail: Any
) -> None:
    """An audit row with the address that the request came from."""
    audit(actor, verb, target, address=client_address(request), **detail)


def failed_name(name: str) -> str:
    """The name that somebody tried to sign in with, if it is one: people also type passwords there. One query."""
    if not name:
        return UNKNOWN
    found = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).first()
    return found.username if found else UNKNOWN


def password_check(*, request: HttpRequest, name: str, password: str) -> User:
    """The user of this name or e-mail address and password, within allauth's limits of tries.

    Raises Unauthenticated and Busy.
    """
    try:
        user = get_adapter().authenticate(request, username=name, password=password)
    except ValidationError as error:
        raise _too_many() from error
    if not isinstance(user, User):
        raise Unauthenticated("The user name or the password is wrong.")
    return user


def second_factor_check(*, user: User, code: str) -> None:
    """Let whoever has a second factor go on with a code of it only. Raises SecondFactorRequired and Busy."""
    factors = list(Authenticator.objects.filter(user=user))
    if not factors:
        return
    by_code = [factor for factor in factors if factor.type != Authenticator.Type.WEBAUTHN]
    if not code or not by_code:
        raise SecondFactorRequired(
            "This account has a second factor. Send its code or a recovery code as `code`, or sign in with a "
            "browser and create a token on the page API tokens."
        )
    try:
        forget_tries = check_rate_limit(user)
    except ValidationError as error:
        raise _too_many() from error
    for factor in by_code:
        if factor.wrap().validate_code(code):
            forget_tries()
            factor.record_usage()
            return
    request_audit(context.request, user, "second_factor.failed", user.username, method="api")
    raise SecondFactorRequired("The code is wrong or was used before. Wait for the next one, and try again.")


def _too_many() -> Busy:
    error = Busy("Too many wrong tries. Wait five minutes, then try again.")
    error.retry_after = 300
    return error


def session_seen(request: HttpRequest) -> None:
    """Write down that the session is in use, and from where. One query."""
    UserSession.objects.filter(session_key=request.session.session_key).update(
        last_seen_at=clock.now(), ip=client_address(request)
    )
