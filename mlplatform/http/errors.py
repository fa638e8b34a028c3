"""Where errors become answers: problem+json for the API, a toast for HTMX, a page for everyone else."""

import logging
import sys
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from mlplatform.http.outage import RETRY_AFTER_S, WORDS, is_outage
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound, PlatformError, Unauthenticated

logger = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
# Errors that may be gone a moment later.
TRANSIENT = (429, 500, 503)
CODES = {
    400: "invalid",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    429: "busy",
    503: "unavailable",
}


def problem(error: PlatformError) -> dict[str, Any]:
    """The RFC 9457 body of an error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "code": error.code,
        "status": error.http_status,
        "title": type(error).__name__,
        "detail": error.message,
    }
    if error.field:
        body["field"] = error.field
    return body | error.details


def problem_json(exception: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler."""
    if isinstance(exception, drf.ValidationError):
        error: PlatformError = InvalidInput("The request has invalid fields.", errors=exception.detail)
    elif isinstance(exception, drf.AuthenticationFailed | drf.NotAuthenticated):
        error = Unauthenticated(str(exception.detail))
    elif isinstance(exception, drf.APIException):
        error = PlatformError(str(exception.detail))
        error.code, error.http_status = exception.default_code, exception.status_code
    elif isinstance(exception, Http404 | ObjectDoesNotExist):
        error = NotFound("There is no such thing here, or you may not see it.")
    elif isinstance(exception, PermissionDenied):
        error = Forbidden("You may not do this.")
    elif isinstance(exception, PlatformError):
        error = exception
    else:
        return None
    set_rollback()
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    if isinstance(exception, drf.Throttled) and (wait := getattr(exception, "wait", None)):
        headers["Retry-After"] = str(int(wait) + 1)
    return Response(problem(error), status=error.http_status, headers=headers, content_type=PROBLEM)


class PlatformErrorMiddleware:
    """Turns a PlatformError that a page raised into a toast (HTMX) or an error page."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass through."""
        response: HttpResponse = self.get_response(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """See Django's middleware."""
        if not isinstance(exception, PlatformError):
            return None
        return error_page(request, exception.http_status, exception.message)


def error_page(request: HttpRequest, status: int, message: str, *, title: str = "") -> HttpResponse:
    """One template for every error; the API's URLs get problem+json. `title` where the status says too little."""
    if request.path.startswith(("/api/", "/harness/")):
        error = PlatformError(message)
        error.http_status = status
        error.code = CODES.get(status, "error")
        return JsonResponse(problem(error), status=status, content_type=PROBLEM)
    template = "components/toast.html" if getattr(request, "htmx", False) else "error.html"
    context = {"status": status, "message": message, "title": title, "again": _again(request, status)}
    return render(request, template, context, status=status)


def _again(request: HttpRequest, status: int) -> str:
    """The address, where asking once more may help and does nothing twice."""
    return request.get_full_path() if status in TRANSIENT and request.method in ("GET", "HEAD") else ""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: most often a page that was open while somebody signed in or out."""
    logger.info("A form was refused: %s", reason)
    words = (
        "Nothing was changed. You have signed in or out since the page was opened, or the browser keeps no cookies. "
        "Go back, reload the page, and send the form again."
    )
    return error_page(request, 403, words, title="This form is out of date")


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """The handler429 of allauth: signing in, signing up and what changes an account have limits."""
    return error_page(request, 429, "Too many tries in a short time. Wait a few minutes, then try again.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return error_page(request, 400, "The request could not be understood. Reload the page and try again.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return error_page(request, 403, "You may not do this. An administrator can change your role.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return error_page(request, 404, "There is no such page, or you may not see it.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 while the database is away; the log has the traceback of anything else.

    Django comes here from every layer, also from middleware, while the exception is being handled.
    """
    if is_outage(sys.exception()):
        response = error_page(request, 503, WORDS)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
    return error_page(
        request, 500, "Something went wrong on our side. The log of the web process has the details."
    )
