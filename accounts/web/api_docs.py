"""The REST API to read and to try, as Swagger UI shows its schema."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in


@require_safe
@signed_in
def api_docs(request: SignedInRequest) -> HttpResponse:
    """What is tried there is done as the person who is signed in."""
    return render(request, "accounts/api_docs.html")
