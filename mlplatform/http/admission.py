"""Back-pressure: a view takes so many calls at a time; the others are told when to come again."""

import threading
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mlplatform.kernel.errors import Busy

View = Callable[..., HttpResponseBase]
# A call that came at a bad moment waits for one to end; that takes a few milliseconds.
WAIT_S = 0.25


def admitting(view: View, limit: int) -> View:
    """The view, for `limit` calls at a time in this process; it raises Busy for the others."""
    room = threading.BoundedSemaphore(limit)

    @wraps(view)
    def admitted(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not room.acquire(timeout=WAIT_S):
            raise Busy(f"{limit} of these are under way already; come again in {Busy.retry_after} s.")
        try:
            return view(request, *args, **kwargs)
        finally:
            room.release()

    return admitted
