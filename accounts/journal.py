"""The audit rows of signing in and of what one does to one's account: what allauth tells by signals."""

from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.dispatch import Signal
from django.http import HttpRequest

from accounts.models import User
from accounts.services.sign_in import failed_name, request_audit

# Signal -> verb; the person is the `user` of the signal, or of whatever else it is about.
VERBS: dict[Signal, str] = {
    account.user_signed_up: "sign_up",
    account.user_logged_in: "sign_in",
    user_logged_out: "sign_out",
    account.password_set: "password.set",
    account.password_changed: "password.change",
    account.password_reset: "password.reset",
    account.email_confirmed: "email.confirm",
    account.email_changed: "email.primary",
    account.email_added: "email.add",
    account.email_removed: "email.remove",
    mfa.authenticator_added: "second_factor.add",
    mfa.authenticator_removed: "second_factor.remove",
    mfa.authenticator_reset: "second_factor.reset",
    mfa.authentication_failed: "second_factor.failed",
    social.social_account_added: "identity.add",
    social.social_account_removed: "identity.remove",
}


def connect() -> None:
    """Listen to all of them, and to passwords that were wrong."""
    for signal, verb in VERBS.items():
        signal.connect(_writer(verb), weak=False, dispatch_uid=f"journal {verb}")
    user_login_failed.connect(_password_wrong, dispatch_uid="journal failed")


def _writer(verb: str) -> Any:
    def write(sender: Any, request: HttpRequest | None = None, **told: Any) -> None:
        user = _person(request, told)
        if user is not None:
            request_audit(request, user, verb, user.username, **_detail(request, told))

    return write


def _person(request: HttpRequest | None, told: dict[str, Any]) -> User | None:
    about = told.get("email_address") or told.get("sociallogin") or told.get("socialaccount")
    user = told.get("user") or getattr(about, "user", None) or getattr(request, "user", None)
    return user if isinstance(user, User) else None


def _detail(request: HttpRequest | None, told: dict[str, Any]) -> dict[str, Any]:
    """What tells one such row from another, and no secret."""
    detail: dict[str, Any] = {}
    if isinstance(authenticator := told.get("authenticator"), Authenticator):
        detail["factor"] = authenticator.type
    for name in ("email_address", "to_email_address"):
        if isinstance(address := told.get(name), EmailAddress):
            detail["email"] = address.email
    found = told.get("socialaccount") or getattr(told.get("sociallogin"), "account", None)
    if found is not None:
        detail |= {"provider": found.provider, "uid": found.uid}
    return detail


def _password_wrong(sender: Any, credentials: dict[str, Any], request: Any = None, **told: Any) -> None:
    name = str(credentials.get("username") or credentials.get("email") or "")
    request_audit(request, None, "sign_in.failed", failed_name(name))
