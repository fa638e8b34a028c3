"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.services.access import access_changed


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is open or closed by setting; who signs out or changes the password hears nothing more."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """See allauth."""
        return bool(settings.SIGNUP_OPEN)

    def logout(self, request: HttpRequest) -> None:
        """See allauth."""
        super().logout(request)
        access_changed()

    def set_password(self, user: User, password: str) -> None:
        """See allauth."""
        super().set_password(user, password)
        access_changed()
