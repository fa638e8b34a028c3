"""Where jobs fetch their package."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from runners.services.packages import package_open


@require_safe
def package(request: HttpRequest, signature: str, name: str) -> HttpResponse:
    """The zip; 404 for a wrong signature. Ray fetches without credentials, so the URL itself is the key."""
    return HttpResponse(package_open(signature, name), content_type="application/zip")
