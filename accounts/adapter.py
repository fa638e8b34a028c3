"""How allauth behaves here."""

import base64
import hashlib
import logging
import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Invitation, User
from accounts.services.access import access_changed
from accounts.services.groups import groups_apply, groups_claimed
from accounts.services.invitations import invitation_accept, invitation_open
from accounts.services.projects import project_of_ones_own
from accounts.services.sign_in import request_audit
from accounts.web.invitations import SESSION_KEY, invitation_waiting
from mlplatform.kernel.errors import NotFound, PlatformError, Unavailable

logger = logging.getLogger(__name__)
NAME = "mlplatform"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is open, by invitation or closed; who signs out or changes the password hears nothing more."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """See allauth. At most one query."""
        return settings.SIGNUP == "open" or (settings.SIGNUP == "invite" and has_invitation(request))

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """See allauth. What the issuer's groups give is there before the first page."""
        login = (kwargs.get("signal_kwargs") or {}).get("sociallogin")
        if login is not None:
            groups_apply(user=user, groups=groups_claimed(login.account.extra_data))
        response: HttpResponse = super().post_login(request, user, **kwargs)
        # Where only an invitation opens sign-up it is used up here; elsewhere its own page asks.
        is_key = kwargs.get("signup") and settings.SIGNUP == "invite"
        if is_key and (invitation := _accepted(request, user)):
            return redirect(invitation.project or settings.LOGIN_REDIRECT_URL)
        return response

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """See allauth. Whoever came with an invitation goes back to it."""
        return invitation_waiting(request) or str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """See allauth."""
        return invitation_waiting(request) or str(super().get_signup_redirect_url(request))

    def login(self, request: HttpRequest, user: User) -> None:
        """See allauth. Whoever comes for the first time gets a project of their own."""
        super().login(request, user)
        project_of_ones_own(user=user)

    def logout(self, request: HttpRequest) -> None:
        """See allauth."""
        super().logout(request)
        access_changed()

    def set_password(self, user: User, password: str) -> None:
        """See allauth."""
        super().set_password(user, password)
        access_changed()

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **kwargs: Any) -> None:
        """See allauth. What was done stays done when its owner cannot be told; the log says so."""
        with suppress(Unavailable):
            super().send_notification_mail(template_prefix, user, *args, **kwargs)

    def format_email_subject(self, subject: str) -> str:
        """See allauth. The name of the portal, not of a site that nobody configures."""
        return f"[{NAME}] {subject}"


def has_invitation(request: HttpRequest) -> bool:
    """Whether the session carries an invitation that is still good. At most one query."""
    text = request.session.get(SESSION_KEY)
    if not text:
        return False
    try:
        invitation_open(text)
    except NotFound:
        return False
    return True


def _accepted(request: HttpRequest, user: User) -> Invitation | None:
    """The invitation that somebody came with, used: it makes one account, not many. None without a good one."""
    text = request.session.pop(SESSION_KEY, None)
    if not text:
        return None
    try:
        return invitation_accept(user=user, text=text)
    except PlatformError as error:
        logger.info("The invitation of %s was not accepted: %s", user.username, error.message)
        return None


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Accounts of an identity provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """See allauth. The provider says who belongs here, unless the operator wants an account to be there first."""
        return bool(settings.OIDC_SIGNUP) or super().is_open_for_signup(request, sociallogin)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **kwargs: Any
    ) -> None:
        """See allauth. The page tells people little; the log tells the operator."""
        logger.warning("Signing in with %s failed: %s %s", provider, error or "", exception or "")
        request_audit(request, None, "sign_in.failed", str(provider), method="oidc")


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors are kept encrypted, with a key made from MLP_SECRET_KEY."""

    def get_totp_issuer(self) -> str:
        """See allauth. Beside the name of the account, in an authenticator app."""
        return f"{NAME} {context.request.get_host()}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """See allauth. What the browser calls us when it asks for a passkey."""
        return {**super().get_public_key_credential_rp_entity(), "name": NAME}

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """See allauth. People have several at most: one per device."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def encrypt(self, text: str) -> str:
        """See allauth."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """See allauth. With another MLP_SECRET_KEY nothing fits any more, and nobody gets in without the factor."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error(
                "The secret of a second factor cannot be read: MLP_SECRET_KEY has changed. "
                "An administrator can remove the factor, so that its owner sets it up again."
            )
            return base64.b32encode(secrets.token_bytes(20)).decode()


def _cipher() -> Fernet:
    key = hashlib.sha256(b"second factor " + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """Sessions that somebody ends."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """See allauth. Open sockets of these sessions close."""
        for session in sessions:
            session.end()
            request_audit(context.request, session.user, "session.end", session.ip)
        access_changed()
