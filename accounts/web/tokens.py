"""My API tokens."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.services.tokens import token_create, token_revoke
from accounts.web.access import SignedInRequest, signed_in
from accounts.web.forms import TokenForm
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: SignedInRequest) -> HttpResponse:
    """List and create. The text of a new token is in this one answer only, so there is no redirect after the POST."""
    form = TokenForm(request.POST or None)
    created = ""
    if request.method == "POST" and form.is_valid():
        try:
            _, created = token_create(user=request.user, name=form.cleaned_data["name"])
            form = TokenForm()
        except InvalidInput as error:
            show_error(error, form)
    context = {
        "form": form,
        "created": created,
        "tokens": ApiToken.objects.filter(user=request.user),
        "portal_url": settings.PORTAL_URL,
    }
    return render(request, "accounts/tokens.html", context, status=400 if form.errors else 200)


@require_POST
@signed_in
def revoke(request: SignedInRequest, token_id: int) -> HttpResponse:
    """Delete one."""
    token_revoke(user=request.user, token_id=token_id)
    messages.success(request, "The token is revoked.")
    return redirect("tokens")
