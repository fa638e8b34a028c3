import math
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.api import runs as module
from experiments.models import Experiment, RunMetric, TrackingSync
from experiments.selectors.runs import best_objective
from experiments.selectors.tables import experiment_space, run_table
from experiments.services.tracking_sync import sync_due
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.experiments.swept import add_runs
from tests.fakes.tracking_store import FakeTrackingStore
from tests.points import report

Api = Callable[..., APIClient]


@pytest.fixture
def measured(owner: User, experiment: Experiment) -> Experiment:
    """Four runs; accuracy 0.5, 0.9, NaN and none."""
    from experiments.services.launch import runs_add  # noqa: PLC0415

    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 10}, {"lr": 9}])
    for run, value in zip(experiment.runs.all(), (0.5, 0.9, float("nan")), strict=False):
        best = None if math.isnan(value) else value
        metric = RunMetric.begun(run, "accuracy")
        metric.last, metric.min, metric.max, metric.last_step, metric.count = value, best, best, 1, 1
        metric.save()
    return experiment


def numbers(api: Api, owner: User, experiment: Experiment, sort: str) -> list[int]:
    answer = api(owner).get(f"/api/v1/experiments/{experiment.id}/runs/", {"sort": sort})
    assert answer.status_code == 200, answer.json()
    return [run["number"] for run in answer.json()]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("number", [1, 2, 3, 4]),
        ("-number", [4, 3, 2, 1]),
        ("metrics.accuracy", [1, 2, 3, 4]),
        ("-metrics.accuracy", [2, 1, 3, 4]),
        ("params.lr", [1, 2, 4, 3]),
        ("-params.lr", [3, 4, 2, 1]),
        ("tags.kind", [1, 2, 3, 4]),
        ("-metrics.accuracy.min", [2, 1, 3, 4]),
        ("state", [1, 2, 3, 4]),
        ("duration", [1, 2, 3, 4]),
    ],
)
def test_sorting_by_anything_leaves_what_has_no_value_last(
    api: Api, owner: User, measured: Experiment, sort: str, expected: list[int]
) -> None:
    assert numbers(api, owner, measured, sort) == expected


@pytest.mark.parametrize(
    "sort",
    ["lr", "params.x", "metrics.acuracy", "number.1", "metrics.", "", "experiment__id", "-", "--number"],
)
def test_an_unknown_sort_is_refused(api: Api, owner: User, measured: Experiment, sort: str) -> None:
    answer = api(owner).get(f"/api/v1/experiments/{measured.id}/runs/", {"sort": sort})
    assert (answer.status_code, answer.json()["field"]) == (400, "sort")


def test_nan_is_told_as_text(api: Api, owner: User, measured: Experiment) -> None:
    runs = api(owner).get(f"/api/v1/experiments/{measured.id}/runs/").json()
    assert runs[2]["metrics"]["accuracy"] == {
        "last": "nan", "last_step": 1, "min": None, "min_step": None, "max": None, "max_step": None, "count": 1
    }  # fmt: skip


def test_the_best_run_is_the_best_completed_one(measured: Experiment) -> None:
    assert best_objective(measured) is None
    measured.runs.filter(number=1).update(state="completed")
    assert best_objective(measured).run.number == 1  # type: ignore[union-attr]
    measured.runs.update(state="completed")
    assert best_objective(measured).run.number == 2  # type: ignore[union-attr]
    RunMetric.objects.update(field="min")
    measured.objective_direction = "minimize"
    assert best_objective(measured).run.number == 1  # type: ignore[union-attr]


def test_the_objective_is_the_best_value_and_what_is_sorted_by(
    api: Api, owner: User, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.989, 0.983))
    finish(2, accuracy=(0.986, 0.986))
    path = f"/api/v1/experiments/{experiment.id}/runs/"
    runs = api(owner).get(path, {"sort": "-metrics.accuracy"}).json()
    assert [(run["number"], run["objective"]) for run in runs] == [(1, 0.989), (2, 0.986)]
    assert runs[0]["metrics"]["accuracy"]["last"] == 0.983


def test_the_way_to_mlflow_is_told(
    api: Api, owner: User, tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1)
    path = f"/api/v1/experiments/{experiment.id}/runs/"

    def told() -> list[dict[str, Any] | None]:
        return [run["tracking"] for run in api(owner).get(path).json()]

    first, second = told()
    assert first is not None
    assert (first["state"], first["error"], second) == ("waiting", "", None)
    tracker.down = True
    sync_due()
    first, _ = told()
    assert first is not None
    assert (first["state"], first["error"]) == ("failing", "the tracker does not answer")
    assert first["next_try_at"] > clock.now().isoformat()
    tracker.down = False
    TrackingSync.objects.update(next_try_at=clock.now())
    sync_due()
    assert told()[0] == {"state": "recorded", "error": "", "next_try_at": None}


def test_the_table_takes_the_same_queries_whatever_its_size(
    measured: Experiment, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(8):
        table = run_table(experiment_space(measured), sort="-metrics.accuracy")
        assert [row.run.get_absolute_url() for row in table.rows]


def test_runs_are_added_canceled_and_retried(api: Api, owner: User, experiment: Experiment) -> None:
    client = api(owner)
    base = f"/api/v1/experiments/{experiment.id}/runs/"
    added = client.post(base, {"runs": [{"lr": 0.5}]}, format="json")
    assert (added.status_code, added.json()[0]["number"]) == (201, 3)
    run = added.json()[0]["id"]
    assert client.post(f"/api/v1/runs/{run}/cancel/").json()["state"] == "canceled"
    assert client.post(f"/api/v1/runs/{run}/cancel/").status_code == 409
    assert client.post(f"/api/v1/runs/{run}/retry/").json()["state"] == "queued"
    assert client.post(f"/api/v1/runs/{run}/retry/").status_code == 409
    bad = client.post(base, {"runs": [{"lr": 0.5, "epochs": 0.5}]}, format="json")
    assert (bad.status_code, bad.json()["field"]) == (400, "epochs")


def test_many_runs_are_told_without_a_query_for_each(
    api: Api, owner: User, experiment: Experiment, django_assert_max_num_queries: Any
) -> None:
    path = f"/api/v1/experiments/{experiment.id}/runs/"
    client = api(owner)
    with django_assert_max_num_queries(25):
        answer = client.post(path, {"runs": [{"lr": 1 + n} for n in range(40)]}, format="json")
    listed = {run["number"]: run for run in client.get(path).json()}
    assert answer.json() == [listed[number] for number in range(3, 43)]


def test_points_and_names(api: Api, owner: User, experiment: Experiment) -> None:
    run = experiment.runs.get(number=1)
    values = [float(i % 7) for i in range(5000)]
    values[1234], values[4321] = 99.0, -99.0
    steps = list(range(5000))
    report(run, steps, values, name="loss")
    path = f"/api/v1/runs/{run.id}/metrics/"
    thin = api(owner).get(path, {"name": "loss", "width": "100"}).json()[0]
    assert len(thin["steps"]) <= 202
    assert (thin["steps"][0], thin["steps"][-1]) == (0, 4999)
    assert {99.0, -99.0} <= set(thin["values"])
    assert api(owner).get(path, {"name": "other"}).json() == []
    assert api(owner).get(path, {"name": "loss", "width": "many"}).json()["field"] == "width"


def test_a_metric_that_is_named_twice_is_one_curve(api: Api, owner: User, experiment: Experiment) -> None:
    run = experiment.runs.get(number=1)
    report(run, [1, 2], [0.5, 0.25], name="loss")
    for path in (f"runs/{run.id}/metrics/", f"experiments/{experiment.id}/series/"):
        (curve,) = api(owner).get(f"/api/v1/{path}", {"name": ["loss", "loss"]}).json()
        assert (curve["steps"], curve["values"]) == ([1, 2], [0.5, 0.25])


def test_more_curves_than_fit_into_an_answer(api: Api, owner: User, experiment: Experiment) -> None:
    names = {"name": [f"metric-{n}" for n in range(201)]}
    for path in (f"runs/{experiment.runs.get(number=1).id}/metrics/", f"experiments/{experiment.id}/series/"):
        answer = api(owner).get(f"/api/v1/{path}", names)
        assert (answer.status_code, answer.json()["field"]) == (400, "name")


def test_curves_are_of_the_newest_runs_that_have_them(
    api: Api, owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CURVES", 2)
    for number in (1, 2):
        report(experiment.runs.get(number=number), [1], [number], name="loss")
    add_runs(experiment, [({"lr": n}, None) for n in range(3)])
    path = f"/api/v1/experiments/{experiment.id}/series/"
    assert [curve["values"] for curve in api(owner).get(path, {"name": "loss"}).json()] == [[2.0], [1.0]]
    assert [curve["values"] for curve in api(owner).get(path, {"name": "loss", "run": "1"}).json()] == [[1.0]]
    assert [curve["values"] for curve in api(owner).get(path, {"name": ["loss", "other"]}).json()] == [[2.0]]


def test_sets_with_mean_and_deviation(
    api: Api, owner: User, stranger: User, finish: Finish, experiment: Experiment
) -> None:
    experiment.runs.filter(number=2).update(set_number=1, repeat=2)
    finish(1, accuracy=(0.4, 0.5))
    finish(2, accuracy=(0.6, 0.7))
    path = f"/api/v1/experiments/{experiment.id}/sets/"
    (found,) = api(owner).get(path, {"sort": "-metrics.accuracy"}).json()
    assert (found["set"], found["runs"], found["states"]) == (1, [1, 2], {"completed": 2})
    assert found["metrics"]["accuracy"] == {
        "mean": pytest.approx(0.6),
        "std": pytest.approx(0.1 * math.sqrt(2)),
        "count": 2,
    }
    assert api(owner).get(path, {"where": "number = 1"}).json()[0]["runs"] == [1]
    assert api(owner).get(path)["Total-Count"] == "1"
    assert api(owner).get(path, {"sort": "state"}).status_code == 400
    assert api(stranger).get(path).status_code == 404


def test_what_an_attempt_ran_on(api: Api, owner: User, stranger: User, leased: Any) -> None:
    _, run, _ = leased
    environment = {"torch": "2.13.0", "packages": ["torch==2.13.0"]}
    Allocation.objects.update(environment=environment)
    run.attempts.update(environment={"torch": "2.13.0"})
    path = f"/api/v1/runs/{run.id}/attempts/"
    (attempt,) = api(owner).get(path).json()
    assert (attempt["number"], attempt["resumed_from"], attempt["cause"]) == (1, 0, None)
    assert attempt["environment"] == environment
    assert api(stranger).get(path).status_code == 404
