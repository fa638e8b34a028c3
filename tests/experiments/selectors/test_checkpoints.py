from typing import Any

import pytest

from experiments.models import Checkpoint, Experiment, Run
from experiments.selectors.checkpoints import checkpoint_lines, checkpoint_to_resume
from experiments.services.retention import checkpoints_thin_out


def test_the_page_says_of_each_checkpoint_why_it_stays(leased: Any) -> None:
    _, run, _ = leased
    Experiment.objects.update(objective_metric="accuracy")
    reported = [("mine", 0.1), ("1-000002", 0.9), ("1-000003", 0.5), ("1-000004", "nan"), ("1-000005", None)]
    for step, (name, accuracy) in enumerate(reported, 1):
        metrics = {} if accuracy is None else {"accuracy": accuracy}
        Checkpoint.objects.create(run=run, attempt=1, step=step, path=f"/x/{name}", metrics=metrics)
    lines = checkpoint_lines(Run.objects.select_related("experiment").get(pk=run.pk))
    assert [line.objective for line in lines] == [None, None, 0.5, 0.9, 0.1]
    assert [line.reasons for line in lines] == [["newest"], [], [], ["best"], ["in use"]]
    assert checkpoints_thin_out(run.id) == 2, "and those without a reason go"
    assert list(run.checkpoints.values_list("step", flat=True)) == [1, 2, 5]


@pytest.mark.parametrize(
    ("reported", "step"),
    [
        ([("a", 0.5), ("b", 0.4)], 2),
        ([("a", 0.5), ("b", "nan"), ("c", "inf"), ("d", "-inf")], 1),
        ([("a", 0.5), ("b", None), ("c", "nan")], 2),
        ([("a", 0.5), ("last", 0.4), ("last", "nan")], 1),
        ([("a", "nan")], None),
        ([], None),
    ],
)
def test_a_run_resumes_from_the_newest_checkpoint_that_is_not_spoiled(
    leased: Any, reported: list[tuple[str, Any]], step: int | None
) -> None:
    _, run, _ = leased
    run.experiment.objective_metric = "accuracy"
    for at, (name, accuracy) in enumerate(reported, 1):
        metrics = {"loss": "nan"} if accuracy is None else {"accuracy": accuracy}
        Checkpoint.objects.create(run=run, attempt=1, step=at, path=f"/x/{name}", metrics=metrics)
    found = checkpoint_to_resume(run)
    assert (found.step if found else None) == step
