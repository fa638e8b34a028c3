"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.services.access import access_changed
from accounts.services.projects import project_of_ones_own
from accounts.web.invitations import invitation_waiting


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is open or closed by setting; who signs out or changes the password hears nothing more."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """See allauth."""
        return bool(settings.SIGNUP_OPEN)

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
