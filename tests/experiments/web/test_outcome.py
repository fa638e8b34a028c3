"""The end of an experiment, on its page and in the background."""

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment, Run
from experiments.pace import seconds_left
from experiments.selectors.overview import run_counts
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish, complete
from tests.experiments.web.conftest import Browser


def test_a_finished_sweep_announces_its_best_run(
    *, browser: Browser, owner: User, viewer: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    finish(1, accuracy=(0.5, 0.9))
    client = browser(owner)
    page = client.get(place).content.decode()
    assert 'data-outcome="active" data-words=""' in page
    assert "outcome-title" not in page
    assert "data-bell" in page
    assert client.get(f"{place}outcome/").json() == {"state": "active", "words": ""}
    finish(2, accuracy=(0.95,))
    complete(experiment)
    words = "sweep has finished: accuracy 0.95 in run #2."
    assert client.get(f"{place}outcome/").json() == {"state": "completed", "words": words}
    page = client.get(place, headers={"HX-Request": "true"}).content.decode()
    assert f'data-outcome="completed" data-words="{words}"' in page
    banner = page.partition('class="card outcome')[2].partition("</section>")[0]
    assert 'r/2/">Run #2</a>' in banner
    assert 'lr <b class="number">0.2</b>' in banner
    assert "add/?from=2" in banner
    assert "r/2/fork/" in banner
    assert "add/?from=2" not in browser(viewer).get(place).content.decode()


def test_one_that_failed_leads_to_what_failed_and_to_fixed_code(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    finish(1, state="failed")
    finish(2, state="failed")
    complete(experiment)
    page = browser(owner).get(place).content.decode()
    banner = page.partition("outcome-failed")[2].partition("</section>")[0]
    assert "2 runs failed" in banner
    assert 'r/1/">Look at run #1' in banner
    assert "/p/vision/new/?from=sweep" in banner
    assert browser(owner).get(f"{place}outcome/").json()["words"] == "sweep has finished: 2 runs failed."


def test_one_that_was_canceled_has_no_banner(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    browser(owner).post(f"{place}cancel/")
    page = browser(owner).get(place).content.decode()
    assert 'data-outcome="canceled" data-words="sweep was canceled."' in page
    assert "outcome-title" not in page
    assert "data-bell" not in page


def test_a_stranger_learns_nothing(browser: Browser, stranger: User, place: str) -> None:
    assert browser(stranger).get(f"{place}outcome/").status_code == 404


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"left": 3, "ended": [(2, 20.0)], "paces": [99.0], "at_work": 1}, 30),
        ({"left": 3, "ended": [(2, 20.0), (1, 40.0)], "paces": [], "at_work": 2}, 30),
        ({"left": 1.5, "ended": [], "paces": [10.0, 30.0], "at_work": 2}, 15),
        ({"left": 3, "ended": [], "paces": [], "at_work": 2}, None),
        ({"left": 3, "ended": [(1, 5.0)], "paces": [], "at_work": 0}, None),
        ({"left": -1, "ended": [(1, 5.0)], "paces": [], "at_work": 1}, 0),
    ],
)
def test_how_long_it_still_takes(given: Any, seconds: float | None) -> None:
    assert seconds_left(**given) == seconds


def test_the_time_left_is_on_the_page(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    assert run_counts(experiment).seconds_left is None
    now = clock.now()
    Run.objects.filter(number=1).update(
        state="running", progress=0.5, attempt_started_at=now - timedelta(seconds=30)
    )
    assert re.search(r"· about 1 min 3\d s left", browser(owner).get(place).content.decode())
    # What a search has yet to make counts as well.
    experiment.search = {"method": "random", "runs": 4}
    left = run_counts(experiment).seconds_left
    assert left is not None
    assert left == pytest.approx(3.5 * 60, abs=5)
