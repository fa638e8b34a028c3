"""A form that is sent twice, by a double click or a reload, makes one thing and leads to it both times."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpResponse, HttpResponseRedirect

from accounts.services.once import Answer, Sent
from accounts.services.once import once as answered_once
from accounts.web.access import SignedInRequest
from mlplatform.http.digest import request_digest

P = ParamSpec("P")
# Django masks it anew in every page that it writes: equal ones came from one and the same page.
NONCE = "csrfmiddlewaretoken"


def once(
    view: Callable[Concatenate[SignedInRequest, P], HttpResponse],
) -> Callable[Concatenate[SignedInRequest, P], HttpResponse]:
    """Of a view that redirects to what a form has made. Other values from the same page are another request."""

    @wraps(view)
    def wrapper(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        nonce = request.POST.get(NONCE)
        if not nonce:
            return view(request, *args, **kwargs)
        shown: list[HttpResponse] = []

        def make() -> Answer:
            response = view(request, *args, **kwargs)
            shown.append(response)
            if not isinstance(response, HttpResponseRedirect):
                return Answer(0)
            return Answer(response.status_code, response.url)

        digest = request_digest(request, request.POST, leaving_out=NONCE)
        key = hashlib.sha256(f"{nonce} {digest}".encode()).hexdigest()
        answer, is_repeated = answered_once(Sent(request.user, key, digest), make)
        return HttpResponseRedirect(answer.body) if is_repeated else shown[0]

    return wrapper
