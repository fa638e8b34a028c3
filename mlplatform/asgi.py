"""ASGI entry point: HTTP goes to Django, WebSockets to the live consumer."""

import gc
import os
from importlib import import_module

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlplatform.settings")
django.setup(set_prefix=False)

from accounts.sockets import CallerMiddleware  # noqa: E402  (models need the app registry)
from experiments.consumers import LiveConsumer  # noqa: E402  (as above)
from mlplatform.http.handler import ThreadHandler  # noqa: E402  (as above)
from mlplatform.http.limits import BodyLimit  # noqa: E402  (as above)

application = ProtocolTypeRouter(
    {
        # A bundle with the rest of its form.
        "http": BodyLimit(ThreadHandler(), settings.MAX_BUNDLE_BYTES + 2**20),
        "websocket": CallerMiddleware(
            URLRouter([path("ws/live/<str:kind>/<uuid:pk>/", LiveConsumer.as_asgi())]),
            settings.LIVE_ORIGINS,
        ),
    }
)

# All that stays for good is here now, views included, and need never be looked at for garbage again: each full
# collection would stop every request for 60 ms and more.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
