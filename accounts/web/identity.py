"""Going to an identity provider."""

from allauth.socialaccount.providers.openid_connect.views import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache


@never_cache
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Ask (GET), then leave by a page: the policy lets no form lead to another site, by a redirect neither."""
    response: HttpResponse = login(request, provider_id)
    if request.method == "POST" and isinstance(response, HttpResponseRedirect):
        return render(request, "accounts/leaving.html", {"url": response.url})
    return response
