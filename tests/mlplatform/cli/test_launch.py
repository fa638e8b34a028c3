import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project, User
from experiments.models import Bundle, Experiment
from tests.fixtures import CODE, DECLARATION
from tests.mlplatform.cli.conftest import Mlp
from tests.servers.git import GitServer, Repository

SEARCH = (
    DECLARATION
    + b"""
objective: {metric: accuracy}
search: {method: random, runs: 4, space: {lr: {}}}
"""
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    path.write_bytes(CODE)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    path.mkdir()
    (path / "train.py").write_bytes(CODE)
    (path / "experiment.yaml").write_bytes(DECLARATION)
    return path


def params(name: str) -> list[dict[str, object]]:
    experiment = Experiment.objects.get(slug=name)
    return [run.params for run in experiment.runs.order_by("number")]


def test_a_grid_from_a_file(mlp: Mlp, project: Project, file: str) -> None:
    said = mlp(
        "launch", file, "-p", "vision", "--name", "Mine", "--set", "lr=0.1,0.01", "--set", "epochs=1,2"
    )
    assert (said.code, said.err) == (0, "")
    assert "Launched vision/mine: sets listed by people; 4 runs queued." in said.out
    assert "mlp watch vision/mine" in said.out
    assert params("mine") == [{"lr": lr, "epochs": epochs} for lr in (0.1, 0.01) for epochs in (1, 2)]


def test_the_only_project_and_the_defaults_of_an_example(mlp: Mlp, project: Project) -> None:
    said = mlp("launch", "example:digits", "--json", "--max-parallel", "2", "--max-hours", "0.5")
    made = json.loads(said.out)
    assert (made["slug"], made["max_parallel"], made["budget"]["max_hours"]) == ("digits", 2, 0.5)
    assert params("digits")[0]["epochs"] == 12


def test_a_folder_with_a_search_of_its_own(mlp: Mlp, project: Project, folder: Path) -> None:
    (folder / "experiment.yaml").write_bytes(SEARCH)
    assert "random, 4 sets" in mlp("launch", str(folder), "--name", "own").out
    assert len(params("own")) == 4
    assert mlp("launch", str(folder), "--name", "more", "--runs", "6").code == 0
    assert len(params("more")) == 6
    assert mlp("launch", str(folder), "--name", "listed", "--set", "lr=0.5").code == 0
    assert [p["lr"] for p in params("listed")] == [0.5]


def test_a_search_from_the_command_line(mlp: Mlp, project: Project, folder: Path) -> None:
    words = (
        "--search random --runs 5 --repeat 2 --seed 7 --metric accuracy --pruner asha:min_steps=1,reduction=2"
    )
    sets = ["--set", "lr=0.001..0.1:log", "--set", "optimizer=adam", "--set", "epochs=2,3"]
    said = mlp("launch", str(folder), "--name", "found", *words.split(), *sets)
    assert (said.code, said.err) == (0, "")
    experiment = Experiment.objects.get(slug="found")
    assert experiment.seed == 7
    assert experiment.search["pruner"] == {"method": "asha", "min_steps": 1, "reduction": 2}
    found = params("found")
    assert len(found) == 10
    assert all(0.001 <= float(str(p["lr"])) <= 0.1 and p["optimizer"] == "adam" for p in found)


def test_sets_from_a_file(mlp: Mlp, project: Project, folder: Path, tmp_path: Path) -> None:
    table, listing = tmp_path / "sets.csv", tmp_path / "sets.json"
    table.write_text("\ufefflr, optimizer, momentum\n0.1, sgd, 0.5\n\n0.2,,\n", "utf-8")
    listing.write_text('[{"lr": 0.1, "optimizer": "sgd", "momentum": 0.5}, {"lr": 0.2}]')
    for name, path in (("table", table), ("listing", listing)):
        said = mlp("launch", str(folder), "--name", name, "--sets", str(path))
        assert (said.code, said.err) == (0, "")
        assert params(name) == [
            {"lr": 0.1, "epochs": 3, "optimizer": "sgd", "momentum": 0.5},
            {"lr": 0.2, "epochs": 3, "optimizer": "adam"},
        ]
    words = ["--set", "epochs=1,2", "--repeat", "2"]
    assert mlp("launch", str(folder), "--name", "more", "--sets", str(table), *words).code == 0
    assert len(params("more")) == 8
    words = ["--search", "random", "--runs", "3", "--set", "lr=..", "--fresh-process"]
    assert mlp("launch", str(folder), "--name", "both", "--sets", str(table), *words).code == 0
    assert len(params("both")) == 5
    assert mlp("add", "vision/both", "--sets", str(table), "--json").code == 0
    assert len(params("both")) == 7
    assert mlp("clone", "vision/both", "--name", "cloned", "--sets", str(table)).code == 0
    assert params("cloned") == params("table")


def test_sets_that_the_code_lists(mlp: Mlp, project: Project, folder: Path) -> None:
    (folder / "experiment.yaml").write_bytes(DECLARATION + b"runs: [{lr: 0.1}, {lr: 0.2}]")
    assert mlp("launch", str(folder), "--name", "own").code == 0
    assert [each["lr"] for each in params("own")] == [0.1, 0.2]
    assert mlp("launch", str(folder), "--name", "thrice", "--repeat", "3").code == 0
    assert len(params("thrice")) == 6
    assert mlp("launch", str(folder), "--name", "other", "--set", "lr=0.3").code == 0
    assert [each["lr"] for each in params("other")] == [0.3]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("sets.txt", "lr\n1", "neither a .json nor a .csv"),
        ("sets.csv", "lr\n1,2", "line 2 has more values"),
        ("sets.csv", "lr\n", "lists no set"),
        ("sets.json", '{"lr": 1}', "write a list of sets"),
        ("sets.json", "[", "cannot be read"),
        ("sets.csv", "lr\n1", "lr is in the file and set by --set"),
    ],
)
def test_a_bad_file_of_sets(
    *, mlp: Mlp, project: Project, file: str, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    answer = mlp("launch", file, "--sets", str(tmp_path / name), "--set", "lr=1")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert not Experiment.objects.exists()


def test_a_preview_launches_nothing(mlp: Mlp, project: Project, file: str) -> None:
    said = mlp("launch", file, "--set", "lr=0.1,0.01", "--repeat", "3", "--preview")
    assert said.code == 0
    assert "6 runs (2 sets × 3). Nothing was launched." in said.out
    assert "lr=0.01" in said.out
    assert json.loads(mlp("launch", file, "--set", "lr=0.1", "--preview", "--json").out)["runs"] == 1
    assert not Experiment.objects.exists()


def test_what_the_portal_warns_of(mlp: Mlp, project: Project, folder: Path, settings: Any) -> None:
    packages = {"ray": "2.60.0", "torch": "2.13.0"}
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"packages": packages}}
    (folder / "requirements.txt").write_text("torch==2.1.0")
    said = mlp("launch", str(folder), "--preview")
    assert (said.code, "torch==2.1.0, but the cluster has torch 2.13.0" in said.err) == (0, True)
    (folder / "requirements.txt").write_text("ray==2.9")
    said = mlp("launch", str(folder))
    assert (said.code, "ray==2.9, but the cluster has ray 2.60.0" in said.err) == (1, True)
    assert not Experiment.objects.exists()


def test_a_git_url(
    *, mlp: Mlp, project: Project, server: GitServer, repository: Repository, settings: Any
) -> None:
    settings.GIT_HOSTS = {server.host}
    commit = repository.publish("feature/x")
    url = f"{server.url}/code.git"
    for named in (url, f"{url}@feature/x#deep/er"):
        said = mlp("launch", named, "--set", "lr=1")
        assert (said.code, said.err) == (0, "")
    sources = [bundle.source for bundle in Bundle.objects.order_by("created_at")]
    assert [source["commit"] for source in sources] == [commit] * 2
    assert [(source["revision"], source["path"]) for source in sources] == [
        ("", ""),
        ("feature/x", "deep/er"),
    ]
    said = mlp("launch", "https://127.0.0.1/team/code.git", "--set", "lr=1")
    assert (said.code, "private network" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.py"], 2, "nowhere.py is no file or folder here"),
        (["example:cats"], 1, "cats"),
        (["FILE", "--set", "speed=1"], 1, "speed"),
        (["FILE", "--set", "lr=1", "--workers", "1000"], 1, "workers is 1000"),
        (["FILE", "--search", "random", "--set", "lr=1,2"], 1, "search.runs is missing"),
        (["FILE", "--runs", "3"], 2, "--runs"),
        (["FILE", "--json", "--watch"], 2, "do not go together"),
        (["FILE", "--preview", "--watch"], 2, "--preview"),
        (["FILE", "-p", "speech"], 1, "There is no such project"),
        (["FILE", "--name", "x" * 101], 1, "name: "),
    ],
)
def test_errors_in_the_portals_words(
    *, mlp: Mlp, project: Project, file: str, words: list[str], code: int, said: str
) -> None:
    answer = mlp("launch", *(file if word == "FILE" else word for word in words))
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert not Experiment.objects.exists()


def test_a_clone_with_changes(mlp: Mlp, experiment: Experiment) -> None:
    assert "Launched vision/sweep-2" in mlp("clone", "vision/sweep").out
    assert [p["lr"] for p in params("sweep-2")] == [0.1, 0.2]
    assert mlp("clone", "vision/sweep", "--name", "other", "--set", "lr=0.5", "--max-parallel", "2").code == 0
    assert [p["lr"] for p in params("other")] == [0.5]
    assert Experiment.objects.get(slug="other").max_parallel == 2
    assert Experiment.objects.get(slug="other").cloned_from == experiment


def test_more_runs(mlp: Mlp, experiment: Experiment) -> None:
    assert mlp("add", "vision/sweep", "--set", "lr=0.3,0.4").out == "Added runs 3 to 4 to vision/sweep.\n"
    assert mlp("add", "vision/sweep", "--set", "lr=0.5").out == "Added run 5 to vision/sweep.\n"
    assert [
        run["number"] for run in json.loads(mlp("add", "vision/sweep", "--set", "lr=1", "--json").out)
    ] == [6]
    assert [p["lr"] for p in params("sweep")] == [0.1, 0.2, 0.3, 0.4, 0.5, 1]
    assert mlp("add", "vision/sweep").code == 2
    assert mlp("add", "vision/sweep", "--set", "speed=1").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["launch", "example:digits", "-p", "vision"],
        ["clone", "vision/sweep"],
        ["add", "vision/sweep", "--set", "lr=1"],
    ],
)
def test_who_may_not_launch(
    mlp_as: Callable[[User], Mlp], viewer: User, stranger: User, experiment: Experiment, words: list[str]
) -> None:
    refused = mlp_as(viewer)(*words)
    assert (refused.code, "As viewer of Vision you may not launch" in refused.err) == (1, True)
    unseen = mlp_as(stranger)(*words)
    assert (unseen.code, "or you may not see it" in unseen.err) == (1, True)
    assert Experiment.objects.count() == 1
