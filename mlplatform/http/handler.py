"""Django under ASGI, with all of a request in one thread."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ThreadHandler(ASGIHandler):
    """Runs middleware and view as one synchronous chain.

    All our views are synchronous and so is some middleware. Django would go from the event loop to a thread and back
    at each border between the two kinds, which doubled the time of a small request.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """See Django's BaseHandler."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """See Django's BaseHandler."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
