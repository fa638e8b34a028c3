"""Page or fragment: one helper decides what an HTMX request gets."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = ""
) -> HttpResponse:
    """Render the page, or only its `partialdef` named `fragment` for an HTMX request that asks for a part.

    Boosted and history-restore requests get the full page.
    """
    htmx: Any = getattr(request, "htmx", None)
    partial = bool(htmx) and not htmx.boosted and not htmx.history_restore_request and fragment
    response = render(request, f"{template}#{fragment}" if partial else template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
