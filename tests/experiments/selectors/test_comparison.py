import math

import pytest

from accounts.models import Project, User
from experiments.models import Bundle, Experiment, RunMetric
from experiments.selectors import code_diff, comparison
from experiments.selectors.code_diff import CodeChange, FileChange, code_changes
from experiments.selectors.comparison import Cell, ValueLine, metric_lines, param_lines, runs_compared
from experiments.services.bundles import bundle_from_upload
from mlplatform.kernel.archive import pack
from tests.fixtures import CODE
from tests.points import summary


def marks(experiment: Experiment, name: str, values: list[float]) -> dict[str, list[str]]:
    """What the lines of a metric say of runs whose last, smallest and largest values are these."""
    RunMetric.objects.all().delete()
    runs = list(experiment.runs.order_by("number"))
    for run, value in zip(runs, values, strict=True):
        finite = None if math.isnan(value) else value
        summary(run, name, last=value, min=finite, max=finite)
    rows = runs_compared(experiment.project, [run.pk for run in runs])
    (metric,) = metric_lines(rows)
    return {field: [cell.mark for cell in cells] for field, cells in metric.lines}


NOTHING = ["", ""]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("accuracy", [0.5, 0.6], {"last": NOTHING, "min": NOTHING, "max": ["", "best"]}),
        ("val/loss", [0.5, 0.6], {"last": NOTHING, "min": ["best", ""], "max": NOTHING}),
        ("top1_acc", [0.5, 0.6], {"last": NOTHING, "min": NOTHING, "max": ["", "best"]}),
        ("lr", [0.5, 0.6], {"last": ["lowest", "highest"], "min": NOTHING, "max": NOTHING}),
        ("glossary", [0.5, 0.6], {"last": ["lowest", "highest"], "min": NOTHING, "max": NOTHING}),
        ("score_error", [0.5, 0.6], {"last": ["lowest", "highest"], "min": NOTHING, "max": NOTHING}),
        ("accuracy", [0.5, 0.5], {"last": NOTHING, "min": NOTHING, "max": NOTHING}),
        ("loss", [0.5, math.nan], {"last": NOTHING, "min": NOTHING, "max": NOTHING}),
    ],
)
def test_the_best_is_named(
    experiment: Experiment, name: str, values: list[float], expected: dict[str, list[str]]
) -> None:
    Experiment.objects.update(objective_metric="")
    assert marks(experiment, name, values) == expected


def test_an_objective_decides_for_itself(experiment: Experiment) -> None:
    Experiment.objects.update(objective_metric="accuracy", objective_direction="minimize")
    assert marks(experiment, "accuracy", [0.5, 0.6])["min"] == ["best", ""]


def test_only_so_many_metrics(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_METRICS", 2)
    run = experiment.runs.get(number=1)
    for name in ("a", "b", "zz", "accuracy", "system/cpu"):
        summary(run, name)
    rows = runs_compared(experiment.project, [run.pk])
    assert [metric.name for metric in metric_lines(rows)] == ["accuracy", "a"]


def test_a_metric_that_one_run_lacks(experiment: Experiment) -> None:
    summary(experiment.runs.get(number=2), "loss", last=0.5, min=0.4, min_step=7)
    rows = runs_compared(experiment.project, [run.pk for run in experiment.runs.order_by("number")])
    (metric,) = metric_lines(rows)
    assert metric.lines[1] == ("min", [Cell(None, None), Cell(0.4, 7)])


def test_values_differ_by_type_too() -> None:
    assert ValueLine("x", [1, True]).differs
    assert ValueLine("x", [1, None]).differs
    assert not ValueLine("x", [{"a": 1, "b": 2}, {"b": 2, "a": 1}]).differs


def test_parameters_in_the_order_of_their_declaration(experiment: Experiment) -> None:
    runs = list(experiment.runs.order_by("number"))
    runs[0].params["another"] = 1
    assert [line.name for line in param_lines(runs)] == [*experiment.declared, "another"]


def made(owner: User, project: Project, files: dict[str, bytes]) -> Bundle:
    return bundle_from_upload(
        user=owner, project=project, filename="x.zip", content=pack({"train.py": CODE, **files})
    )


def changed(owner: User, project: Project, old: dict[str, bytes], new: dict[str, bytes]) -> CodeChange:
    (change,) = code_changes(made(owner, project, old), [made(owner, project, new)])
    return change


def test_files_that_differ(owner: User, project: Project) -> None:
    old = {"same.txt": b"x", "gone.txt": b"a\nb\n", "net.bin": b"\0a", "ends.txt": b"a\r\nb"}
    new = {"same.txt": b"x", "new.txt": b"a", "net.bin": b"\0b", "ends.txt": b"a\nb"}
    change = changed(owner, project, old, new)
    assert change.files == [
        FileChange("ends.txt", "changed", [], note="Only the ends of its lines differ."),
        FileChange(
            "gone.txt", "removed", [("place", "@@ -1,2 +0,0 @@"), ("removed", "-a"), ("removed", "-b")]
        ),
        FileChange("net.bin", "changed", [], note="No text."),
        FileChange("new.txt", "added", [("place", "@@ -0,0 +1 @@"), ("added", "+a")]),
    ]
    assert [(file.added, file.removed) for file in change.files] == [(0, 0), (0, 2), (0, 0), (1, 0)]


def test_an_empty_file_that_came(owner: User, project: Project) -> None:
    change = changed(owner, project, {}, {"lib/__init__.py": b""})
    assert change.files == [FileChange("lib/__init__.py", "added", [], note="Empty.")]


def test_bounds(owner: User, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    long = b"".join(b"%d\n" % n for n in range(60))
    new = dict.fromkeys(("a.txt", "b.txt", "c.txt", "d.txt"), long) | {
        "big.txt": b"x" * 500,
        "d.txt": b"1\n" * 101,
    }
    monkeypatch.setattr(code_diff, "MAX_SHOWN_LINES", 50)
    monkeypatch.setattr(code_diff, "MAX_FILE_BYTES", 400)
    monkeypatch.setattr(code_diff, "MAX_FILE_LINES", 100)
    monkeypatch.setattr(code_diff, "MAX_LINES", 130)
    found = {file.name: file for file in changed(owner, project, {}, new).files}
    assert (len(found["a.txt"].lines), found["a.txt"].left_out) == (50, 11)
    assert found["big.txt"].note.startswith("Longer than")
    assert found["c.txt"].note.startswith("Left out")
    assert found["d.txt"].note.startswith("More than")
    monkeypatch.setattr(code_diff, "MAX_FILES", 2)
    change = changed(owner, project, {}, new)
    assert (len(change.files), change.left_out) == (2, 3)
