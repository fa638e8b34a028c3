"""Names of metrics: those of models and of machines are found and counted apart."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.models import Experiment, Run, RunMetric
from experiments.selectors import names, tables
from experiments.selectors.conditions import Scope
from experiments.selectors.names import Named, metric_names, metrics_named
from experiments.selectors.tables import experiment_space, run_table

SYSTEM = [f"system/gpu {number}" for number in range(6)]


@pytest.fixture
def scope(experiment: Experiment) -> Scope:
    """Two runs with metrics before and after the machines' in any collation; one value differs."""
    for run in Run.objects.all():
        metrics = [RunMetric.begun(run, name) for name in ("accuracy", *SYSTEM, "train", "val")]
        for metric in metrics:
            metric.last = run.number if metric.name == "val" else 0.5
        RunMetric.objects.bulk_create(metrics)
    return Scope((experiment.pk,))


def test_metrics_of_models_and_of_machines(scope: Scope) -> None:
    assert metric_names(scope) == ["accuracy", "train", "val"]
    assert metric_names(scope, system=True) == SYSTEM
    assert metrics_named(scope) == [Named("accuracy"), Named("train"), Named("val", differs=True)]


def test_many_metrics_of_machines_hide_none_of_the_models(
    experiment: Experiment, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (names, tables):
        monkeypatch.setattr(module, "MAX_NAMES", 4)
    assert run_table(experiment_space(experiment), where="metrics.val > 1").count == 1
    assert metric_names(scope, system=True) == SYSTEM[:4]


def test_more_names_than_are_known_may_be_asked_for(
    experiment: Experiment, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (names, tables):
        monkeypatch.setattr(module, "MAX_NAMES", 2)
    assert metric_names(scope) == ["accuracy", "train"]
    assert run_table(experiment_space(experiment), where="metrics.val > 1").count == 1


def test_names_alone_are_read_without_values(scope: Scope) -> None:
    with CaptureQueriesContext(connection) as captured:
        metric_names(scope)
    (query,) = captured.captured_queries
    assert "value" not in query["sql"]
