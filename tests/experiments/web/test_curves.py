"""The curve of the objective in each row of the runs table."""

from typing import Any

from accounts.models import User
from experiments.models import Experiment, Run
from experiments.selectors.tables import rows_of
from experiments.web.curves import curves
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.points import report


def test_points_are_read_once(experiment: Experiment, finish: Finish, django_assert_num_queries: Any) -> None:
    finish(1, accuracy=(0.5, 0.9, 0.7))
    finish(2, accuracy=(0.5,))
    experiment.refresh_from_db()
    rows = rows_of(list(Run.objects.values_list("pk", flat=True)), ["accuracy"])
    with django_assert_num_queries(2):
        drawn = curves(experiment, rows)
    assert list(drawn) == [rows[0].run.pk]
    assert "From 0.5 to 0.7 over 3 steps, best 0.9" in drawn[rows[0].run.pk]
    assert "run-curve run-color-1" in drawn[rows[0].run.pk]
    with django_assert_num_queries(0):
        assert curves(experiment, rows) == drawn


def test_a_run_that_reports_is_read_again(experiment: Experiment) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="accuracy")
    experiment.refresh_from_db()
    run = experiment.runs.get(number=1)
    report(run, [1, 2], [0.1, 0.2])
    (first,) = curves(experiment, rows_of([run.pk], ["accuracy"])).values()
    report(run, [3], [0.3], seq=2)
    (second,) = curves(experiment, rows_of([run.pk], ["accuracy"])).values()
    assert "From 0.1 to 0.2" in first
    assert "From 0.1 to 0.3" in second


def test_no_column_without_an_objective(browser: Browser, owner: User, place: str) -> None:
    Experiment.objects.update(objective_metric="")
    assert ">Curve" not in browser(owner).get(place, {"column": ["curve", "state"]}).content.decode()


def test_the_column(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    client = browser(owner)
    finish(1)
    page = client.get(place).content.decode()
    assert page.count("run-curve") == 1
    assert "run-curve" not in client.get(place, {"column": "state"}).content.decode()
    assert "run-curve" in client.get(place, {"column": "curve"}).content.decode()
