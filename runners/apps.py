"""App registration."""

from django.apps import AppConfig


class RunnersConfig(AppConfig):
    """Allocations, leases, the Runner port and its adapters."""

    name = "runners"
