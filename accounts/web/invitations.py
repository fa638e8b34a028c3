"""The page that an invitation leads to."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Role, User
from accounts.permissions import includes, role_in
from accounts.services.invitations import invitation_accept, invitation_open
from mlplatform.kernel.errors import NotFound

# Where the session keeps the text for somebody who has to sign in or sign up first.
SESSION_KEY = "invitation"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, text: str) -> HttpResponse:
    """What one is invited to; people who are signed in accept, others are sent to do that first."""
    user = request.user
    if not isinstance(user, User):
        found = invitation_open(text)
        request.session[SESSION_KEY] = text
        return render(request, "accounts/invitation.html", {"invitation": found, "next": request.path})
    if request.method == "POST":
        accepted = invitation_accept(user=user, text=text)
        request.session.pop(SESSION_KEY, None)
        where = accepted.project.name if accepted.project else "mlplatform"
        messages.success(request, f"Welcome to {where}.")
        return redirect(accepted.project or "home")
    found = invitation_open(text)
    role = role_in(user, found.project) if found.project else None
    is_in = role is not None and includes(role, Role(found.role))
    return render(request, "accounts/invitation.html", {"invitation": found, "role": role, "is_in": is_in})


def invitation_waiting(request: HttpRequest) -> str:
    """Where to go on after signing in: to the invitation that somebody came with, if it is still good."""
    text = request.session.get(SESSION_KEY, "")
    try:
        invitation_open(text)
    except NotFound:
        request.session.pop(SESSION_KEY, None)
        return ""
    return reverse("invitation", args=[text])
