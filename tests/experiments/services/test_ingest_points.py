import pytest

from experiments.models import MetricBatch, Run, RunMetric
from experiments.selectors.series import series
from experiments.services import ingest, metric_names
from experiments.services import points as points_service
from tests.experiments.services.sender import Sender, points
from tests.logs import told


def test_steps_out_of_order_are_put_in_order_and_repeated_ones_are_all_kept(sender: Sender) -> None:
    points = {"name": "loss", "steps": [3, 1, 3], "values": [0.3, 0.1, 0.4], "times": [1.0, 2.0, 3.0]}
    sender.send(points=[points])
    sender.send(points=[points | {"steps": [2, 1, 2]}])
    (found,) = series([sender.run], ["loss"])
    assert found.points.steps.tolist() == [1, 1, 2, 2, 3, 3]
    assert found.points.values.tolist() == [0.1, 0.1, 0.3, 0.4, 0.3, 0.4]
    summary = RunMetric.objects.get()
    assert (summary.last, summary.last_step, summary.count) == (0.4, 3, 6)
    assert (summary.min_step, summary.max_step) == (1, 2)


def test_metrics_above_the_limit_are_refused_with_one_line_in_the_log(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_names, "MAX_NAMES", 3)
    sender.send(points=points(1.0, name="a") + points(1.0, name="b"))
    for start in (1, 2):
        batch = [item for name in "abcde" for item in points(2.0, name=name, start=start)]
        assert sender.send(points=batch, log="mine\n").order == "continue"
    assert set(RunMetric.objects.values_list("name", flat=True)) == {"a", "b", "c"}
    assert set(MetricBatch.objects.values_list("name", flat=True)) == {"a", "b", "c"}
    run = Run.objects.get(pk=sender.run.pk)
    notice = "[mlp] A run may have 3 metrics; 'd' and all further ones are not recorded."
    assert told(run) == ["mine", notice, "mine"]
    assert sender.run.events.filter(kind="names_refused").count() == 1
    assert sender.send(points=points(3.0, name="f")).order == "continue"


def test_compaction_is_asked_for_when_there_is_enough_to_do(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module in (ingest, points_service):
        monkeypatch.setattr(module, "enqueue", lambda name, *ids: asked.append(name))
    monkeypatch.setattr(points_service, "HOT_POINTS", 5)
    monkeypatch.setattr(points_service, "HOT_ROWS", 4)
    sender.send(points=points(1.0, 2.0, 3.0, 4.0))
    assert asked == []
    sender.send(points=points(5.0, start=5))
    assert asked == ["compact"]
    sender.send(points=points(6.0, start=6))
    assert asked == ["compact"]
    sender.send(points=points(7.0, start=7))
    assert asked == ["compact"] * 2
    sender.end("completed")
    assert asked == ["compact"] * 3
