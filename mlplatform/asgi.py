"""ASGI entry point: HTTP goes to Django, WebSockets to the live consumer."""

import os

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlplatform.settings")
django.setup(set_prefix=False)

from experiments.consumers import LiveConsumer  # noqa: E402  (models need the app registry)
from mlplatform.http.handler import ThreadHandler  # noqa: E402  (as above)
from mlplatform.http.limits import BodyLimit  # noqa: E402  (as above)

application = ProtocolTypeRouter(
    {
        # A bundle with the rest of its form.
        "http": BodyLimit(ThreadHandler(), settings.MAX_BUNDLE_BYTES + 2**20),
        # The browser names the page that asks, with its port: other services of this machine have pages too.
        "websocket": OriginValidator(
            AuthMiddlewareStack(URLRouter([path("ws/live/<str:kind>/<uuid:pk>/", LiveConsumer.as_asgi())])),
            settings.LIVE_ORIGINS,
        ),
    }
)
