from typing import Any

import pytest

from accounts.models import User
from experiments.models import Run
from experiments.services.tracking_sync import sync_due
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.fakes.tracking_store import FakeTrackingStore


@pytest.fixture
def recorded(finish: Finish, tracker: FakeTrackingStore) -> Run:
    """Run 1 with a model that the tracker has."""
    run = finish(1, models_at=(2,))
    sync_due()
    return run


def test_files_of_its_model(browser: Browser, viewer: User, recorded: Run, place: str) -> None:
    page = browser(viewer).get(f"{place}r/1/artifacts/").content.decode()
    assert "<code>model.pt2</code></th>" in page
    assert f'href="{place}r/1/artifacts/model.pt2" download' in page
    answer: Any = browser(viewer).get(f"{place}r/1/artifacts/model.pt2")
    assert answer["Content-Disposition"] == 'attachment; filename="model.pt2"'
    assert b"".join(answer).startswith(b"PK")


def test_only_what_is_listed(browser: Browser, viewer: User, recorded: Run, place: str) -> None:
    for path in ("nothing", "../model.pt2", "..%2F..%2Fmodel.pt2", "deep//model.pt2", "%2Fetc%2Fpasswd"):
        assert browser(viewer).get(f"{place}r/1/artifacts/{path}").status_code == 404


def test_who_may(browser: Browser, stranger: User, recorded: Run, place: str) -> None:
    for path in ("", "model.pt2"):
        assert browser(stranger).get(f"{place}r/1/artifacts/{path}").status_code == 404


def test_the_run_page_does_not_ask_the_tracker(
    browser: Browser, owner: User, recorded: Run, place: str, tracker: FakeTrackingStore
) -> None:
    tracker.calls.clear()
    page = browser(owner).get(f"{place}r/1/").content.decode()
    # No live part: those ask for the page that they are on.
    assert f'<div hx-get="{place}r/1/artifacts/" hx-trigger="load"' in page
    assert not tracker.calls


def test_a_tracker_that_is_away(
    browser: Browser, owner: User, recorded: Run, place: str, tracker: FakeTrackingStore
) -> None:
    tracker.down = True
    answer = browser(owner).get(f"{place}r/1/artifacts/", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "cannot be listed now: the tracker does not answer" in answer.content.decode()


def test_without_a_model(
    browser: Browser, owner: User, finish: Finish, tracker: FakeTrackingStore, place: str
) -> None:
    assert "None yet." in browser(owner).get(f"{place}r/2/artifacts/").content.decode()
    finish(1)
    assert "It left no model." in browser(owner).get(f"{place}r/1/artifacts/").content.decode()
    assert not tracker.calls
