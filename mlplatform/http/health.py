"""Is this process able to serve?"""

import time

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

_started = time.monotonic()


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database and Valkey answer; an exception becomes a 503 or 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.get("healthz")
    return JsonResponse({"status": "ok", "up_seconds": round(time.monotonic() - _started, 1)})
