"""`Idempotency-Key`: a POST that makes something, sent again, makes nothing more."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import caller
from accounts.services.once import HEADER, Answer, Sent
from accounts.services.once import once as answered_once
from mlplatform.http.digest import request_digest
from mlplatform.http.schema import repeatable

P = ParamSpec("P")
Method = Callable[Concatenate[Any, Request, P], Response]
Answering = Callable[[Sent, Callable[[], Answer]], tuple[Answer, bool]]
REPLAYED = "Idempotency-Replayed"


def once(
    method: Method[P], answering: Answering = answered_once
) -> Callable[Concatenate[Any, Request, P], HttpResponseBase]:
    """Of a view: if the request has an Idempotency-Key, make once and say the same every time."""

    @repeatable
    @wraps(method)
    def wrapper(view: Any, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        key = request.headers.get(HEADER)
        if key is None:
            return method(view, request, *args, **kwargs)

        def make() -> Answer:
            response = method(view, request, *args, **kwargs)
            return Answer(response.status_code, JSONRenderer().render(response.data).decode())

        sent = Sent(caller(request), key, _digest(request))
        answer, is_repeated = answering(sent, make)
        headers = {REPLAYED: "true"} if is_repeated else {}
        return HttpResponse(
            answer.body, status=answer.status, content_type="application/json", headers=headers
        )

    return wrapper


def _digest(request: Request) -> str:
    """Of all that it says, and of the project that its token is for: what one made, no other is told."""
    digest, grant = request_digest(request._request, request.data), caller(request).grant
    if grant is None or grant.project_id is None:
        return digest
    return hashlib.sha256(f"{digest} {grant.project_id}".encode()).hexdigest()
