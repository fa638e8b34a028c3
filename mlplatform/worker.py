"""What `dramatiq mlplatform.worker` loads: Django, the broker, and every actor."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlplatform.settings")
django.setup()

import accounts.tasks  # noqa: E402, F401  (declares actors)
import experiments.tasks  # noqa: E402, F401  (declares actors)
from mlplatform.broker import broker  # noqa: E402  (Django must be set up first)

__all__ = ["broker"]
