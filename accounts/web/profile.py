"""The page about oneself."""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.services.people import person_rename
from accounts.web.access import SignedInRequest, signed_in
from accounts.web.forms import ProfileForm
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def profile(request: SignedInRequest) -> HttpResponse:
    """Who I am here, how it looks for me, and where I belong."""
    user = request.user
    form = ProfileForm(
        request.POST if request.method == "POST" else None, initial={"name": user.get_full_name()}
    )
    if form.is_bound and form.is_valid():
        try:
            person_rename(user=user, name=form.cleaned_data["name"])
        except InvalidInput as error:
            show_error(error, form)
        else:
            messages.success(request, "Your name is saved.")
            return redirect("profile")
    context = {
        "form": form,
        "memberships": user.memberships.select_related("project").order_by("project__name"),
        "token_count": user.api_tokens.count(),
        "factors": set(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
        "has_providers": bool(get_adapter().list_apps(request)),
        "has_password": user.has_usable_password(),
    }
    return render(request, "accounts/profile.html", context, status=400 if form.errors else 200)
