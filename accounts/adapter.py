"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is open or closed by setting."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """See allauth."""
        return bool(settings.SIGNUP_OPEN)
