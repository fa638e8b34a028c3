import math

import pytest

from accounts.models import User
from experiments.models import Experiment
from experiments.web import series
from tests.experiments.conftest import Finish
from tests.experiments.swept import add_runs
from tests.experiments.web.conftest import Browser
from tests.points import report


def test_series(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    run = finish(1, accuracy=(0.5,))
    report(run, [2, 3], [math.nan, 0.9], seq=2)
    finish(2, accuracy=(0.7,))
    client = browser(owner)
    body = client.get(f"{place}series/").json()
    assert body["metric"] == "accuracy"
    assert body["metrics"] == ["accuracy"]
    assert [(run["number"], run["steps"], run["values"]) for run in body["runs"]] == [
        (1, [1, 2, 3], [0.5, None, 0.9]),
        (2, [1], [0.7]),
    ]
    assert [(run["set"], run["params"]) for run in body["runs"]] == [
        (1, {"lr": 0.1, "epochs": 3}),
        (2, {"lr": 0.2, "epochs": 3}),
    ]
    assert [run["number"] for run in client.get(f"{place}series/?run=2").json()["runs"]] == [2]
    assert client.get(f"{place}series/?metric=other").json()["runs"] == []
    assert client.get(f"{place}series/?run=x").status_code == 400


def test_series_of_long_runs_is_thinned(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    run = finish(1, accuracy=(0.0,))
    count = 50_000
    report(run, range(2, count + 2), [float(n % 7) for n in range(count)], seq=2)
    curve = browser(owner).get(f"{place}series/").json()["runs"][0]
    assert len(curve["steps"]) <= 1100
    assert max(curve["values"]) == 6


def test_series_without_points(browser: Browser, owner: User, place: str) -> None:
    nothing = {"metric": "", "metrics": [], "runs": [], "runs_shown": 0, "dropped": [], "left_out": 0}
    assert browser(owner).get(f"{place}series/").json() == nothing


def test_series_say_how_many_runs_are_left_out(
    browser: Browser, owner: User, finish: Finish, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MAX_CHART_RUNS", 1)
    finish(1, accuracy=(0.5,))
    finish(2, accuracy=(0.7,))
    body = browser(owner).get(f"{place}series/").json()
    assert [run["number"] for run in body["runs"]] == [2]
    assert (body["runs_shown"], body["left_out"]) == (1, 1)


def test_what_waits_takes_no_place_of_a_run_that_has_the_metric(
    browser: Browser,
    owner: User,
    finish: Finish,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(series, "MAX_CHART_RUNS", 1)
    finish(1, accuracy=(0.5,))
    add_runs(Experiment.objects.get(), [({"lr": n}, None) for n in range(3)])
    body = browser(owner).get(f"{place}series/").json()
    assert [run["number"] for run in body["runs"]] == [1]
    assert (body["runs_shown"], body["left_out"]) == (1, 0)
