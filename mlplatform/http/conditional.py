"""Entity tags: a client that has an answer of the API already is told so instead of being sent it again."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware

from mlplatform.http.answers import PREFIX


class ApiConditionalGetMiddleware(ConditionalGetMiddleware):
    """`ETag` and `If-None-Match` for the API alone: no page is the same twice, each has a CSRF token of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """See Django."""
        if not request.path.startswith(PREFIX) or not isinstance(response, HttpResponse):
            return response
        found: HttpResponseBase = super().process_response(request, response)
        return found
