"""App registration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, projects, memberships, tokens, audit."""

    name = "accounts"
