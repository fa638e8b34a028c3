"""Where somebody is signed in, and ending that from afar."""

from collections.abc import Callable

from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.selectors.sessions import sessions_of
from accounts.services.sign_in import session_seen
from accounts.web.access import SignedInRequest, signed_in

# Writing down each request would make every read a write.
SEEN_S = 300
# What allauth writes into the session of somebody who signs in.
METHODS_KEY = "account_authentication_methods"


class LastSeenMiddleware:
    """Notes every few minutes, per process, that a session is in use and from where."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """See Django's middleware. A request that asked nothing of its session costs nothing here."""
        response = self._get_response(request)
        session = request.session
        if response.status_code >= 500:  # most often the database is away, and asking again would fail again
            return response
        is_tracked = session.accessed and METHODS_KEY in session and session.session_key
        if is_tracked and caches["process"].add(f"seen:{session.session_key}", 1, SEEN_S):
            session_seen(request)
        return response


@never_cache
@require_safe
@signed_in
def sessions(request: SignedInRequest) -> HttpResponse:
    """The browsers in which one is signed in."""
    return render(
        request,
        "accounts/sessions.html",
        {"sessions": sessions_of(request.user, request.session.session_key)},
    )


@require_POST
@signed_in
def end(request: SignedInRequest, session_id: int) -> HttpResponse:
    """Sign out one of them; this one too."""
    session = UserSession.objects.filter(user=request.user, pk=session_id).first()
    if session is None:
        raise Http404
    is_this = session.session_key == request.session.session_key
    end_sessions(request, [session])
    if is_this:
        return redirect("account_login")
    messages.success(request, "That browser is signed out.")
    return redirect("usersessions_list")


@require_POST
@signed_in
def end_others(request: SignedInRequest) -> HttpResponse:
    """Sign out everywhere else."""
    end_other_sessions(request, request.user)
    messages.success(request, "You are signed in here only.")
    return redirect("usersessions_list")
