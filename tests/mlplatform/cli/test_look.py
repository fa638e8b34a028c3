import json
from collections.abc import Callable

import pytest

from accounts.models import Project, User
from accounts.services.projects import project_create
from experiments.models import Experiment, Run
from tests.experiments.conftest import Finish
from tests.mlplatform.cli.conftest import Mlp


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    return [line.split() for line in text.splitlines()[2:] if line.strip()]


def test_projects(mlp: Mlp, project: Project) -> None:
    assert rows(mlp("projects").out) == [["vision", "Vision"]]
    assert [p["slug"] for p in json.loads(mlp("projects", "--json").out)] == ["vision"]
    assert mlp("projects", "--new", "Speech").out == "Created the project speech.\n"
    assert len(rows(mlp("projects").out)) == 2


def test_without_a_project(mlp_as: Callable[[User], Mlp], stranger: User) -> None:
    said = mlp_as(stranger)("projects")
    assert (said.code, "no project yet" in said.out) == (0, True)
    said = mlp_as(stranger)("experiments")
    assert (said.code, "no project yet" in said.err) == (2, True)


def test_experiments(mlp: Mlp, owner: User, experiment: Experiment, finish: Finish) -> None:
    finish(1)
    for words in (["-p", "vision"], []):
        (row,) = rows(mlp("experiments", *words).out)
        assert row[:5] == ["vision/sweep", "active", "2", "1", "0"]
    assert json.loads(mlp("experiments", "--json").out)[0]["runs"]["open"] == 1
    project_create(user=owner, name="Speech")
    said = mlp("experiments")
    assert (said.code, "yours are speech, vision" in said.err) == (2, True)
    assert "no experiment yet" in mlp("experiments", "-p", "speech").out


def test_runs_are_sorted_and_show_what_differs(mlp: Mlp, four: Experiment, finish: Finish) -> None:
    finish(1, accuracy=(0.5, 0.7))
    finish(2, accuracy=(0.5, 0.91234))
    said = mlp("runs", "vision/sweep", "--sort", "-metrics.accuracy")
    assert said.code == 0
    assert [row[:4] for row in rows(said.out)] == [
        ["2", "completed", "lr=0.2", "0.9123"],
        ["1", "completed", "lr=0.1", "0.7"],
        ["3", "queued", "lr=0.3", "–"],
        ["4", "queued", "lr=0.4", "–"],
    ]
    assert "epochs" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert "\x1b" not in said.out
    few = mlp("runs", "vision/sweep", "--where", "metrics.accuracy > 0.8 or number = 4", "--sort", "-number")
    assert [row[0] for row in rows(few.out)] == ["4", "2"]
    assert [row[0] for row in rows(mlp("runs", "vision/sweep", "--limit", "1").out)] == ["1"]
    assert (
        "'0' is no number of runs; write a whole number from 1"
        in mlp("runs", "vision/sweep", "--limit", "0").err
    )
    listed = json.loads(mlp("runs", str(four.id), "--sort=-number", "--json").out)
    assert [run["number"] for run in listed] == [4, 3, 2, 1]


def test_a_sort_that_the_portal_refuses(mlp: Mlp, experiment: Experiment) -> None:
    said = mlp("runs", "vision/sweep", "--sort", "lr")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("mlp: Cannot sort by 'lr': there is no field 'lr'; did you mean")
    said = mlp("runs", "vision/sweep", "--where", "metrics.acuracy > 1")
    assert "Column 1: no run here has a metric 'acuracy'; did you mean accuracy?" in said.err


def test_show_an_experiment(mlp: Mlp, experiment: Experiment) -> None:
    Experiment.objects.update(description="[red]a\x1b[31m")
    said = mlp("show", "vision/sweep")
    for words in ("sweep", "2 queued", "accuracy, maximize", "1 worker × 1 CPU; 1 at a time", "[red]a�[31m"):
        assert words in said.out
    assert json.loads(mlp("show", f"http://a/p/vision/e/{experiment.slug}/", "--json").out)["id"] == str(
        experiment.id
    )


@pytest.mark.parametrize("words", [["vision/sweep", "1"], ["vision/sweep/1"]])
def test_show_a_run(mlp: Mlp, experiment: Experiment, finish: Finish, words: list[str]) -> None:
    run = finish(1)
    Run.objects.filter(pk=run.pk).update(
        state="failed",
        cause_code="user_error",
        cause_message="ValueError: bad",
        cause_traceback="line 1\nline 2",
    )
    said = mlp("show", *words)
    for text in ("failed", "lr=0.1", "ValueError: bad", "line 2", "accuracy"):
        assert text in said.out
    assert json.loads(mlp("show", *words, "--json").out)["id"] == str(run.id)


def test_checkpoints(mlp: Mlp, experiment: Experiment, finish: Finish) -> None:
    assert mlp("checkpoints", "vision/sweep", "2").out == "Run 2 has no checkpoint.\n"
    finish(1, accuracy=(0.5, 0.9))
    assert [row[:3] for row in rows(mlp("checkpoints", "vision/sweep", "1").out)] == [
        ["2", "1", "accuracy=0.9"],
        ["1", "1", "accuracy=0.5"],
    ]
    assert [c["step"] for c in json.loads(mlp("checkpoints", "vision/sweep/1", "--json").out)] == [2, 1]
    said = mlp("checkpoints", "vision/sweep")
    assert (said.code, "Name the run" in said.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["experiments", "-p", "vision"],
        ["runs", "vision/sweep"],
        ["show", "vision/sweep"],
        ["show", "vision/sweep", "1"],
        ["logs", "vision/sweep", "1"],
        ["checkpoints", "vision/sweep", "1"],
        ["watch", "vision/sweep"],
    ],
)
def test_a_stranger_sees_nothing(
    mlp_as: Callable[[User], Mlp], stranger: User, experiment: Experiment, words: list[str]
) -> None:
    said = mlp_as(stranger)(*words)
    assert (said.code, said.out) == (1, "")
    assert "or you may not see it" in said.err


@pytest.mark.parametrize("words", [["show", "vision/nothing"], ["show", "vision/sweep", "99"]])
def test_what_does_not_exist(mlp: Mlp, experiment: Experiment, words: list[str]) -> None:
    said = mlp(*words)
    assert (said.code, "There is no such" in said.err) == (1, True)


def test_definition(mlp: Mlp, experiment: Experiment) -> None:
    assert f"name: {experiment.name}\n" in mlp("definition", "vision/sweep").out
