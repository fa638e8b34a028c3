"""Who gets to a view at all: only people who are signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh

from accounts import permissions
from accounts.models import Project, User

P = ParamSpec("P")


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in."""

    user: User
    htmx: Any


def signed_in(
    view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Send everybody else to the sign-in page and back here afterwards; a fragment makes its whole page reload."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # just checked
        if getattr(request, "htmx", False):
            return HttpResponseClientRefresh()
        return redirect_to_login(request.get_full_path())

    return wrapper


def rights(user: User, project: Project) -> dict[str, bool]:
    """What a member may do, as pages of a project ask: may_launch, may_control, may_manage. One query."""
    may = permissions.rights(user, project)
    return {f"may_{action}": action in may for action in ("launch", "control", "manage")}
