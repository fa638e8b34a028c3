"""ASGI entry point: HTTP goes to Django, WebSockets to the live consumer."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlplatform.settings")
http = get_asgi_application()

from experiments.consumers import LiveConsumer  # noqa: E402  (models need the app registry)
from mlplatform.http.limits import BodyLimit  # noqa: E402  (as above)

application = ProtocolTypeRouter(
    {
        # A bundle with the rest of its form.
        "http": BodyLimit(http, settings.MAX_BUNDLE_BYTES + 2**20),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("ws/live/<str:kind>/<uuid:pk>/", LiveConsumer.as_asgi())]))
        ),
    }
)
