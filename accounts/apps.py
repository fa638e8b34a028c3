"""App registration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, projects, memberships, tokens, audit."""

    name = "accounts"

    def ready(self) -> None:
        """See Django."""
        from accounts import journal  # noqa: PLC0415  (models are there only now)

        journal.connect()
