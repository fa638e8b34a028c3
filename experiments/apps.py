"""App registration."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    """Experiments, runs, search, telemetry, live pages."""

    name = "experiments"
