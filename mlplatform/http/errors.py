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

from mlplatform.http.answers import PREFIX
from mlplatform.http.outage import WORDS, is_outage
from mlplatform.kernel.errors import (
    Busy,
    Forbidden,
    InvalidInput,
    NotFound,
    PlatformError,
    Unauthenticated,
    Unavailable,
)

logger = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
# Errors that may be gone a moment later.
TRANSIENT = (429, 500, 503)


def _problem(error: PlatformError) -> dict[str, Any]:
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
        if wait := getattr(exception, "wait", None):
            error.retry_after = int(wait) + 1
    elif isinstance(exception, Http404 | ObjectDoesNotExist):
        error = NotFound("There is no such thing here, or you may not see it.")
    elif isinstance(exception, PermissionDenied):
        error = Forbidden("You may not do this.")
    elif isinstance(exception, PlatformError):
        error = exception
    else:
        return None
    set_rollback()
    return Response(_problem(error), status=error.http_status, headers=_headers(error), content_type=PROBLEM)


def _headers(error: PlatformError) -> dict[str, str]:
    challenge = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    return challenge | ({} if error.retry_after is None else {"Retry-After": str(error.retry_after)})


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
        return error_response(request, exception)


def error_response(request: HttpRequest, error: PlatformError, *, title: str = "") -> HttpResponse:
    """One template for every error; the API's URLs get problem+json. `title` where the status says too little."""
    status, headers = error.http_status, _headers(error)
    if request.path.startswith((PREFIX, "/harness/")):
        return JsonResponse(_problem(error), status=status, headers=headers, content_type=PROBLEM)
    template = "components/toast.html" if getattr(request, "htmx", False) else "error.html"
    context = {"status": status, "message": error.message, "title": title, "again": _again(request, status)}
    response = render(request, template, context, status=status)
    for name, value in headers.items():
        response[name] = value
    return response


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
    return error_response(request, Forbidden(words), title="This form is out of date")


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """The handler429 of allauth: signing in, signing up and what changes an account have limits."""
    error = Busy("Too many tries in a short time. Wait a few minutes, then try again.")
    error.retry_after = 120
    return error_response(request, error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return error_response(
        request, InvalidInput("The request could not be understood. Reload the page and try again.")
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return error_response(request, Forbidden("You may not do this. An administrator can change your role."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return error_response(request, NotFound("There is no such page, or you may not see it."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 while the database is away; the log has the traceback of anything else.

    Django comes here from every layer, also from middleware, while the exception is being handled.
    """
    if is_outage(sys.exception()):
        return error_response(request, Unavailable(WORDS))
    words = "Something went wrong on our side. The log of the web process has the details."
    return error_response(request, PlatformError(words))
