"""How much of the API one caller may use: each token by itself, and each person's browser."""

import hashlib
import logging
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.authentication import get_authorization_header
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from mlplatform.http.answers import PREFIX
from mlplatform.http.bearer import bearer

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this

logger = logging.getLogger(__name__)
WINDOW_S = 60


class CallerThrottle(BaseThrottle):
    """At most `settings.API_RATE` calls in each minute of the clock; 0: any number.

    While Valkey is away nobody waits.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """See REST framework."""
        if not settings.API_RATE or not request.path.startswith(PREFIX):
            return True
        key = f"api:{_caller(request)}:{int(time.time()) // WINDOW_S}"
        try:
            cache.add(key, 0, timeout=2 * WINDOW_S)
            return bool(cache.incr(key) <= settings.API_RATE)
        except (RedisError, ValueError) as error:
            logger.warning("calls are not counted: %s", error)
            return True

    def wait(self) -> float:
        """Seconds until the next minute."""
        return WINDOW_S - time.time() % WINDOW_S


def _caller(request: Request) -> str:
    text = bearer(get_authorization_header(request))
    if text:
        return hashlib.sha256(text.encode("latin-1", "replace")).hexdigest()[:32]
    return f"user-{request.user.pk}" if request.user.is_authenticated else "nobody"
