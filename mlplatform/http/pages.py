"""Page or fragment: one helper decides what an HTMX request gets."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def wants_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page. Boosted and history-restore requests get the full page."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = ""
) -> HttpResponse:
    """Render the page, or only its `partialdef` named `fragment` for a request that wants one."""
    partial = fragment and wants_fragment(request)
    response = render(request, f"{template}#{fragment}" if partial else template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
