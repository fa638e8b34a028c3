"""Back-pressure: a view that takes so many calls at a time answers the others 429, and when to come again."""

import threading
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from mlplatform.http.errors import PROBLEM, problem
from mlplatform.kernel.errors import Busy

View = Callable[..., HttpResponseBase]
RETRY_AFTER_S = 1
# A call that came at a bad moment waits for one to end; that takes a few milliseconds.
WAIT_S = 0.25


def admitting(view: View, limit: int) -> View:
    """The view, for `limit` calls at a time in this process."""
    room = threading.BoundedSemaphore(limit)

    @wraps(view)
    def admitted(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not room.acquire(timeout=WAIT_S):
            return _busy(f"{limit} of these are under way already; come again in {RETRY_AFTER_S} s.")
        try:
            return view(request, *args, **kwargs)
        finally:
            room.release()

    return admitted


def _busy(message: str) -> JsonResponse:
    error = Busy(message)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return JsonResponse(problem(error), status=error.http_status, headers=headers, content_type=PROBLEM)
