"""Pages of errors say what happened and what to do next."""

import pytest
from allauth.core.ratelimit import respond_429
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from accounts.models import User
from mlplatform.http.errors import error_response, server_error, too_many_requests
from mlplatform.kernel.errors import PlatformError


def page(status: int, method: str = "GET") -> str:
    request = RequestFactory().generic(method, "/p/vision/?q=x")
    request.user = AnonymousUser()
    error = PlatformError("These are the words.")
    error.http_status = status
    return error_response(request, error).content.decode()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Back button"),
        (403, "Not allowed"),
        (404, "ask them to have you added"),
        (413, "Too large"),
        (429, "Too fast"),
        (500, "tell an administrator"),
        (503, "nothing is lost"),
    ],
)
def test_each_has_a_next_step(status: int, words: str) -> None:
    found = page(status)
    assert words in found
    assert "These are the words." in found
    assert "Go to the dashboard" in found


@pytest.mark.parametrize(("status", "is_offered"), [(404, False), (429, True), (500, True), (503, True)])
def test_what_may_work_later_can_be_asked_again(status: int, is_offered: bool) -> None:
    assert ('href="/p/vision/?q=x"' in page(status)) == is_offered
    assert "Try again" not in page(status, "POST")


def test_a_form_from_before_signing_in(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    answer = client.post("/projects/new/", {"name": "x"})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()
    answer = client.post("/projects/new/", {"name": "x"}, headers={"HX-Request": "true"})
    assert 'role="alert"' in answer.content.decode()


def test_whoever_tries_too_often_sees_our_page() -> None:
    request = RequestFactory().get("/accounts/login/")
    request.user = AnonymousUser()
    answer = respond_429(request)
    assert answer.status_code == 429
    assert "Too fast" in answer.content.decode()


def test_without_a_user_there_is_a_page_too() -> None:
    request = RequestFactory().get("/")
    assert server_error(request).status_code == 500
    assert too_many_requests(request).status_code == 429
