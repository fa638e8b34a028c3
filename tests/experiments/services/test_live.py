"""What pages hear of a run's points, and what workers say of their machines."""

from typing import Any

import pytest

from experiments.models import Run
from experiments.selectors.overview import experiment_metric_names
from experiments.selectors.runs import run_details
from experiments.selectors.series import series
from experiments.selectors.tables import experiment_space, run_table
from experiments.services import live
from experiments.services.live import points_came
from experiments.services.points import points_compact
from experiments.services.rewind import rewind
from mlplatform.http.rooms import MAX_POINTS
from tests.experiments.services.sender import Sender, points
from tests.points import columns

pytestmark = pytest.mark.django_db

CPU = "system/cpu_utilization_percentage"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Events; each goes to the pages of the run and of the experiment."""
    found: list[dict[str, Any]] = []

    def publish(groups: list[str], event: dict[str, Any]) -> None:
        assert [group.partition(".")[0] for group in groups] == ["run", "experiment"]
        found.append(event)

    monkeypatch.setattr(live, "publish", publish)
    return found


def test_points_say_of_which_attempt_they_are_and_how_many_there_are_then(
    sender: Sender, told: list[dict[str, Any]]
) -> None:
    sender.send(points=points(0.5, "nan"))
    sender.send(points=points(0.25, start=3))
    first, second = (event["points"][0] for event in told if event["what"] == "points")
    assert (first["attempt"], first["count"], first["values"]) == (1, 2, [0.5, None])
    assert (second["attempt"], second["count"], second["steps"]) == (1, 3, [3])


def test_new_metrics_and_batches_that_come_again_have_pages_ask(
    sender: Sender, told: list[dict[str, Any]]
) -> None:
    sender.send(points=points(0.5))
    assert [event["what"] for event in told] == ["series", "points"]
    sender.send(points=points(0.4, start=2))
    assert [event["what"] for event in told[2:]] == ["points"]
    sender.send(points=points(0.4, start=2) + points(0.9, name="accuracy"))
    assert [event["what"] for event in told[3:]] == ["series", "points"]
    sender.send(seq=1, points=points(0.5))
    assert [event["what"] for event in told[5:]] == ["series"]


def test_more_points_than_a_frame_takes_are_not_sent(sender: Sender, told: list[dict[str, Any]]) -> None:
    many = columns(range(MAX_POINTS + 1), [0.5] * (MAX_POINTS + 1))
    points_came(sender.run, 1, {"loss": many}, {"loss": len(many)})
    assert [event["what"] for event in told] == ["series"]


def test_a_rewind_has_pages_ask_if_it_took_something_away(sender: Sender, told: list[dict[str, Any]]) -> None:
    sender.send(points=points(0.5, 0.4, 0.3))
    del told[:]
    rewind(sender.run, 3)
    assert told == []
    rewind(sender.run, 2)
    assert [event["what"] for event in told] == ["series"]


@pytest.mark.parametrize("is_compacted", [False, True])
def test_what_workers_said_of_their_machines_stays(sender: Sender, is_compacted: bool) -> None:
    sender.send(points=points(0.5, 0.4) + points(50.0, name=CPU, start=1_700_000_000))
    if is_compacted:
        Run.objects.update(state="failed")
        points_compact(sender.run.pk)
    rewind(sender.run, 1)
    left = {curve.name: curve.points.values.tolist() for curve in series([sender.run], ["loss", CPU])}
    assert left == {"loss": [0.5], CPU: [50.0]}


def test_machines_are_not_among_the_metrics_of_models(sender: Sender) -> None:
    sender.send(points=points(0.5) + points(50.0, name=CPU, start=1_700_000_000))
    experiment = sender.run.experiment
    space = experiment_space(experiment)
    assert CPU not in [named.name for named in space.metrics]
    table = run_table(space)
    assert [list(row.metrics) for row in table.rows] == [["loss"], []]
    assert list(run_details(sender.run).metrics) == ["loss"]
    assert experiment_metric_names(experiment) == ["loss"]
    assert experiment_metric_names(experiment, system=True) == [CPU]
