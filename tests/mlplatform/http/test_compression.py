"""Pages travel compressed, everything else as it is made."""

from django.http import HttpResponse
from django.test import RequestFactory

from mlplatform.http.compression import PageGZipMiddleware


def answered(content_type: str) -> HttpResponse:
    answer = HttpResponse(b"word " * 200, content_type=content_type)
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    found = PageGZipMiddleware(lambda request: answer)(request)
    assert isinstance(found, HttpResponse)
    return found


def test_a_page_is_compressed() -> None:
    answer = answered("text/html; charset=utf-8")
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 200


def test_other_answers_are_not() -> None:
    assert not answered("application/json").has_header("Content-Encoding")
