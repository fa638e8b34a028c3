"""Buttons of the experiment's page, its selected rows, its sets, and the form that changes it."""

from typing import Any

import pytest

from accounts.models import User
from experiments.models import Bundle, Experiment, Run
from experiments.services import lifecycle
from tests.experiments.conftest import Finish, complete
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_search import RANDOM

BUTTONS = ("/pause/", "/resume/", "/cancel/", "/retry/", "/edit/", "/runs/", "/add/", "?from=")


def posted(browser: Browser, user: User, url: str, data: dict[str, Any] | None = None) -> str:
    return browser(user).post(url, data or {}, follow=True).content.decode()


def states() -> list[str]:
    return list(Run.objects.order_by("number").values_list("state", flat=True))


@pytest.fixture
def repeated(browser: Browser, owner: User, typed_bundle: Bundle) -> Experiment:
    """A random search of six sets with two runs each."""
    browser(owner).post(f"/p/vision/new/{typed_bundle.pk}/", RANDOM | {"name": "repeated", "pruner": "asha"})
    return Experiment.objects.get(slug="repeated")


def test_pause_and_resume(browser: Browser, owner: User, place: str, experiment: Experiment) -> None:
    page = posted(browser, owner, f"{place}pause/")
    assert "sweep is paused." in page
    assert "state-paused" in page
    assert f'action="{place}resume/"' in page
    assert f'action="{place}pause/"' not in page
    assert f'action="{place}cancel/"' in page
    assert "state-paused" in browser(owner).get("/p/vision/").content.decode()
    assert "only an active one can be paused" in posted(browser, owner, f"{place}pause/")
    assert "sweep goes on." in posted(browser, owner, f"{place}resume/")
    assert "only a paused one can be resumed" in posted(browser, owner, f"{place}resume/")


def test_a_run_that_pauses_says_so(browser: Browser, owner: User, place: str) -> None:
    lifecycle.run_move(Run.objects.get(number=1), "starting", "leased")
    page = posted(browser, owner, f"{place}pause/")
    assert ">pausing<" in page
    assert "Pauses at its next checkpoint." in browser(owner).get(f"{place}r/1/").content.decode()


def test_retry_of_all_that_failed(
    browser: Browser, owner: User, place: str, finish: Finish, experiment: Experiment
) -> None:
    assert "Retry failed" not in browser(owner).get(place).content.decode()
    finish(1, "failed")
    finish(2, "failed")
    complete(experiment)
    assert "Retry failed (2)" in browser(owner).get(place).content.decode()
    assert "2 runs queued again." in posted(browser, owner, f"{place}retry/")
    assert states() == ["queued", "queued"]
    assert "No run has failed" in posted(browser, owner, f"{place}retry/")


def test_selected_runs_are_canceled_and_retried(browser: Browser, owner: User, place: str) -> None:
    page = posted(browser, owner, f"{place}runs/", {"action": "cancel", "run": ["2"]})
    assert "1 run canceled" in page
    assert states() == ["queued", "canceled"]
    page = posted(browser, owner, f"{place}runs/", {"action": "cancel", "run": ["1", "2"]})
    assert "Not #2: over already." in page
    assert states() == ["canceled", "canceled"]
    assert "2 runs queued again." in posted(
        browser, owner, f"{place}runs/", {"action": "retry", "run": ["1", "2"]}
    )
    page = posted(browser, owner, f"{place}runs/", {"action": "retry", "run": ["1"]})
    assert "Nothing was changed. Not #1: neither failed nor canceled." in page


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"action": "cancel"},
        {"run": "1"},
        {"action": "destroy", "run": "1"},
    ],
)
def test_nothing_selected(browser: Browser, owner: User, place: str, sent: dict[str, str]) -> None:
    assert "Select at least one run" in posted(browser, owner, f"{place}runs/", sent)
    assert states() == ["queued", "queued"]


def test_what_is_no_run_is_refused_with_all_that_came_with_it(
    browser: Browser, owner: User, place: str
) -> None:
    sent = {"action": "cancel", "run": ["1", "x"]}
    assert browser(owner).post(f"{place}runs/", sent).status_code == 400
    assert states() == ["queued", "queued"]


def test_the_order_stays_after_an_action(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    page = client.get(f"{place}?sort=-number").content.decode()
    assert f'action="{place}runs/?sort=-number"' in page
    response = client.post(f"{place}runs/?sort=-number&next=//evil", {"action": "cancel", "run": "1"})
    assert response["Location"] == f"{place}?sort=-number"


def test_viewers_have_no_buttons(browser: Browser, viewer: User, place: str, finish: Finish) -> None:
    finish(1, "failed", models_at=(2,))
    for url in (place, f"{place}r/1/", f"{place}?group=set"):
        page = browser(viewer).get(url).content.decode()
        assert not [
            button
            for button in BUTTONS
            if f'{button}"' in page.partition("<main")[2].partition("data-series")[0]
        ]
        assert "/fork/" not in page
    # The chart shows whom they select.
    assert 'aria-label="Select run 1"' in browser(viewer).get(place).content.decode()


def test_changing_it(browser: Browser, owner: User, repeated: Experiment) -> None:
    place = repeated.get_absolute_url()
    page = browser(owner).get(f"{place}edit/").content.decode()
    assert 'name="runs" value="6"' in page
    given = {
        "name": "renamed", "description": "Why", "max_parallel": "3", "max_retries": "1",
        "max_hours": "0.5", "target": "0.9", "runs": "7",
    }  # fmt: skip
    page = posted(browser, owner, f"{place}edit/", given)
    assert "Saved." in page
    assert "Until accuracy ≥ 0.9" in page
    repeated.refresh_from_db()
    assert (repeated.name, repeated.description, repeated.max_parallel) == ("renamed", "Why", 3)
    assert (repeated.max_seconds, repeated.target, repeated.search["runs"]) == (1800, 0.9, 7)
    assert "Nothing was changed." in posted(browser, owner, f"{place}edit/", given)
    posted(browser, owner, f"{place}edit/", given | {"max_hours": "", "target": ""})
    repeated.refresh_from_db()
    assert (repeated.max_seconds, repeated.target) == (None, None)


def test_changing_it_badly(browser: Browser, owner: User, place: str, experiment: Experiment) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="")
    given = {"name": "sweep", "max_parallel": "1", "max_retries": "0", "target": "1"}
    response = browser(owner).post(f"{place}edit/", given)
    assert response.status_code == 400
    assert "A target needs a metric that decides" in response.content.decode()
    response = browser(owner).post(f"{place}edit/", given | {"name": "", "max_parallel": "0"})
    assert "This field is required." in response.content.decode()
    assert 'name="runs"' not in response.content.decode()


def test_what_the_tiles_say(browser: Browser, owner: User, repeated: Experiment, place: str) -> None:
    Experiment.objects.filter(pk=repeated.pk).update(max_seconds=7200)
    page = browser(owner).get(repeated.get_absolute_url()).content.decode()
    assert "Random <small>6 of 6 sets</small>" in page
    assert "ASHA · 2 runs per set" in page
    assert "of 2 h</small>" in page
    listed = browser(owner).get(place).content.decode()
    assert "Listed <small>2 sets</small>" in listed
    assert "No limit of time, no target" in listed


def test_sets_instead_of_runs(browser: Browser, owner: User, repeated: Experiment, place: str) -> None:
    place_of_sets = repeated.get_absolute_url()
    client = browser(owner)
    assert "?group=set" in client.get(place_of_sets).content.decode()
    assert "?group=set" not in client.get(place).content.decode()
    page = client.get(f"{place_of_sets}?group=set").content.decode()
    assert page.count('<tr id="set-') == 6
    assert 'id="set-1"' in page
    assert f'href="{place_of_sets}r/12/"' in page
    assert 'hx-get="?sort=-set&amp;group=set"' in page
    assert "run-check" not in page
    assert client.get(f"{place_of_sets}?group=set&sort=state").status_code == 400
    down = client.get(f"{place_of_sets}?group=set&sort=-number").content.decode()
    assert down.index('id="set-6"') < down.index('id="set-1"')


def test_an_experiment_without_runs_yet(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    Run.objects.all().delete()
    assert "No run yet" in browser(owner).get(place).content.decode()
