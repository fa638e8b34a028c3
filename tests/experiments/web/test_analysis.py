import pytest

from accounts.models import User
from experiments.models import Experiment
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser

CHARTS = ("best-so-far", "parallel", "scatter", "importance", "timeline")


def test_the_page_has_every_chart_and_a_way_back(browser: Browser, owner: User, place: str) -> None:
    page = browser(owner).get(f"{place}analysis/").content.decode()
    for chart in CHARTS:
        assert f'<section class="card" id="{chart}"' in page
    assert f'<a class="page-tab" href="{place}">' in page
    assert f'<a class="page-tab" href="{place}analysis/" aria-current="page">' in page
    for part in ("columns", "importance", "timeline"):
        assert f'data-{part}="{place}analysis/{part}/"' in page
    assert "<noscript>" in page
    assert f'<a class="page-tab" href="{place}analysis/">' in browser(owner).get(place).content.decode()


@pytest.mark.parametrize("part", ["columns", "timeline", "importance"])
def test_what_the_charts_fetch(
    *, browser: Browser, owner: User, experiment: Experiment, finish: Finish, place: str, part: str
) -> None:
    finish(1)
    answer = browser(owner).get(f"{place}analysis/{part}/")
    assert answer.status_code == 200
    rest = browser(owner).get(f"/api/v1/experiments/{experiment.pk}/{part}/").json()
    assert set(answer.json()) == set(rest)


def test_an_experiment_without_an_objective(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="")
    body = browser(owner).get(f"{place}analysis/columns/").json()
    assert body["objective"]["metric"] == ""
    assert body["runs"]["objective"] == [None, None]
