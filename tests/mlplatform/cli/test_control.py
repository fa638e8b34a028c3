import json
from collections.abc import Callable

import pytest

from accounts.models import User
from experiments.models import Experiment, Run
from tests.experiments.conftest import Finish
from tests.mlplatform.cli.conftest import Mlp


def states(experiment: Experiment) -> list[str]:
    return [run.state for run in experiment.runs.order_by("number")]


def test_pause_resume_cancel(mlp: Mlp, experiment: Experiment) -> None:
    assert "mlp resume vision/sweep" in mlp("pause", "vision/sweep").out
    again = mlp("pause", "vision/sweep")
    assert (again.code, "only an active one can be paused" in again.err) == (1, True)
    assert json.loads(mlp("resume", "vision/sweep", "--json").out)["state"] == "active"
    assert mlp("cancel", "vision/sweep").code == 0
    assert states(experiment) == ["canceled", "canceled"]
    assert mlp("resume", str(experiment.id)).code == 1


def test_cancel_some_runs(mlp: Mlp, four: Experiment) -> None:
    said = mlp("cancel", "vision/sweep", "1", "3-4")
    assert (said.code, said.out, said.err) == (0, "Canceled: runs 1, 3, 4.\n", "")
    assert states(four) == ["canceled", "queued", "canceled", "canceled"]
    said = mlp("cancel", "vision/sweep", "1-2", "--json")
    assert json.loads(said.out) == {"changed": [2], "skipped": [1]}
    said = mlp("cancel", "vision/sweep/1")
    assert (said.code, "Left as they are" in said.err, "run 1" in said.err) == (1, True, True)


def test_retry_failed_runs(mlp: Mlp, four: Experiment, finish: Finish) -> None:
    assert mlp("retry", "vision/sweep").out == "No run has failed.\n"
    finish(1, state="failed")
    finish(2, state="failed")
    finish(3, state="canceled")
    assert mlp("retry", "vision/sweep").out == "Queued again: runs 1, 2.\n"
    assert mlp("retry", "vision/sweep", "3").out == "Queued again: run 3.\n"
    assert states(four) == ["queued"] * 4
    assert mlp("retry", "vision/sweep", "99").code == 1


def test_tag(mlp: Mlp, four: Experiment) -> None:
    said = mlp("tag", "vision/sweep", "1", "3-4", "--set", "kind=a=b", "--set", "by=me")
    assert (said.code, said.out, said.err) == (0, "Tagged: runs 1, 3, 4.\n", "")
    found = json.loads(mlp("tag", "vision/sweep", "3", "9", "--set", "by=", "--json").out)
    assert found == {"changed": [3], "skipped": [9]}
    tags = [run.tags for run in four.runs.order_by("number")]
    assert tags == [{"kind": "a=b", "by": "me"}, {}, {"kind": "a=b"}, {"kind": "a=b", "by": "me"}]
    assert [
        run["number"]
        for run in json.loads(mlp("runs", "vision/sweep", "--where", "tags.by = me", "--json").out)
    ] == [1, 4]
    assert "is no tag" in mlp("tag", "vision/sweep", "1", "--set", "kind").err
    assert "Say which runs" in mlp("tag", "vision/sweep", "--set", "kind=x").err
    assert mlp("tag", "vision/sweep", "9", "--set", "kind=x").code == 1


def test_edit(mlp: Mlp, experiment: Experiment) -> None:
    said = mlp("edit", "vision/sweep", "--max-parallel", "4", "--max-hours", "2", "--target", "-0.5")
    assert said.out == "vision/sweep is active, with max parallel 4, max hours 2.0, target -0.5.\n"
    experiment.refresh_from_db()
    assert (experiment.max_parallel, experiment.max_seconds, experiment.target) == (4, 7200, -0.5)
    said = mlp("edit", "vision/sweep", "--max-hours", "none", "--name", "none")
    assert said.out == "vision/sweep is active, with name none, max hours none.\n"
    experiment.refresh_from_db()
    assert (experiment.max_seconds, experiment.name) == (None, "none")
    assert json.loads(mlp("edit", "vision/sweep", "--name", "new", "--json").out)["name"] == "new"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "Say what to change"),
        (["--max-parallel", "1000"], 1, "must be between 1 and 64"),
        (["--runs", "10"], 1, "has no search"),
        (["--max-parallel", "none"], 2, "invalid int value"),
        (["--max-hours", "soon"], 2, "invalid limit value"),
    ],
)
def test_what_cannot_be_edited(
    mlp: Mlp, experiment: Experiment, words: list[str], code: int, said: str
) -> None:
    answer = mlp("edit", "vision/sweep", *words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err


def test_fork_from_a_checkpoint(mlp: Mlp, experiment: Experiment, finish: Finish) -> None:
    parent = finish(1, accuracy=(0.5, 0.7, 0.9))
    said = mlp("fork", "vision/sweep", "1", "--checkpoint", "2", "--set", "lr=0.5,0.6")
    assert (said.code, said.out.count("begins where run 1 was")) == (0, 2)
    forks = list(experiment.runs.filter(parent=parent).order_by("number"))
    assert [(run.params["lr"], run.start_checkpoint.step) for run in forks] == [(0.5, 2), (0.6, 2)]  # type: ignore[union-attr]
    said = mlp("fork", "vision/sweep", "1", "--checkpoint", "2", "--set", "epochs=9,2")
    assert (said.code, experiment.runs.filter(parent=parent).count()) == (1, 2)
    (made,) = json.loads(mlp("fork", "vision/sweep/1", "--set", "epochs=4", "--json").out)
    assert Run.objects.get(pk=made["id"]).start_checkpoint.step == 3  # type: ignore[union-attr]


def test_what_cannot_be_forked(mlp: Mlp, experiment: Experiment, finish: Finish) -> None:
    said = mlp("fork", "vision/sweep", "2")
    assert (said.code, "Run 2 has no checkpoint" in said.err) == (1, True)
    finish(1, accuracy=(0.5, 0.7))
    said = mlp("fork", "vision/sweep", "1", "--checkpoint", "7")
    assert (said.code, "kept are: 2, 1" in said.err) == (1, True)
    said = mlp("fork", "vision/sweep", "1", "--checkpoint", "2", "--set", "epochs=2")
    assert (said.code, "has nothing to do; begin at an earlier checkpoint" in said.err) == (1, True)
    assert mlp("fork", "vision/sweep", "1", "--set", "lr=1..2").code == 2
    assert mlp("fork", "vision/sweep", "1", "--set", "speed=1").code == 1


def test_continue(mlp: Mlp, owner: User, experiment: Experiment, finish: Finish) -> None:
    Experiment.objects.update(progress="epochs")
    finish(1)
    said = mlp("continue", "vision/sweep", "1", "--more", "5")
    assert (said.code, "Run 3 goes on where run 1 has ended" in said.out) == (0, True)
    assert experiment.runs.get(number=3).params["epochs"] == 8
    said = mlp("continue", "vision/sweep", "2", "--more", "5")
    assert (said.code, "only a completed run can be continued" in said.err) == (1, True)
    assert mlp("continue", "vision/sweep", "1").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "vision/sweep"],
        ["cancel", "vision/sweep"],
        ["cancel", "vision/sweep", "1"],
        ["retry", "vision/sweep"],
        ["tag", "vision/sweep", "1", "--set", "kind=x"],
        ["edit", "vision/sweep", "--max-parallel", "2"],
        ["fork", "vision/sweep", "1"],
        ["continue", "vision/sweep", "1", "--more", "1"],
    ],
)
def test_who_may_not_control(
    *,
    mlp_as: Callable[[User], Mlp],
    viewer: User,
    stranger: User,
    experiment: Experiment,
    finish: Finish,
    words: list[str],
) -> None:
    finish(1)
    before = states(experiment)
    refused = mlp_as(viewer)(*words)
    assert (refused.code, "As viewer of Vision you may not" in refused.err) == (1, True)
    unseen = mlp_as(stranger)(*words)
    assert (unseen.code, "or you may not see it" in unseen.err) == (1, True)
    assert states(experiment) == before


def test_delete(mlp: Mlp, four: Experiment, finish: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cancel it first" in mlp("delete", "vision/sweep", "--yes").err
    finish(1)
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert mlp("delete", "vision/sweep", "1").err == "mlp: Nothing was deleted.\n"
    said = mlp("delete", "vision/sweep", "1-2", "--yes")
    assert (said.code, said.out) == (0, "Deleted: run 1.\n")
    assert "run 2" in said.err
    assert mlp("cancel", "vision/sweep").code == 0
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    assert "is deleted" in mlp("delete", "vision/sweep").out
    assert not Experiment.objects.exists()
