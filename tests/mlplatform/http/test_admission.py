import threading
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from mlplatform.http import admission
from mlplatform.http.admission import admitting
from mlplatform.kernel.errors import Busy


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.post("/")


def test_one_too_many_is_asked_to_come_again(request_: HttpRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAIT_S", 0.01)
    inside, go_on = threading.Semaphore(0), threading.Event()

    def view(request: HttpRequest) -> HttpResponse:
        inside.release()
        assert go_on.wait(10)
        return HttpResponse()

    limited = admitting(view, 2)
    threads = [threading.Thread(target=limited, args=[request_]) for _ in range(2)]
    for thread in threads:
        thread.start()
        assert inside.acquire(timeout=10)
    with pytest.raises(Busy, match="come again in 1 s"):
        limited(request_)
    go_on.set()
    for thread in threads:
        thread.join()
    assert limited(request_).status_code == 200


def test_a_view_that_fails_gives_its_place_back(request_: HttpRequest) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise OperationalError("the server is gone")

    limited = admitting(view, 1)
    for _ in range(2):
        with pytest.raises(OperationalError, match="gone"):
            limited(request_)


def test_batches_are_limited() -> None:
    view: Any = resolve("/harness/v1/runs/00000000-0000-0000-0000-000000000000/batches").func
    assert view.__wrapped__.view_class.__name__ == "BatchesView"
    assert view.csrf_exempt
