import argparse
from pathlib import Path
from typing import Any

import pytest

from mlplatform.cli.definition import add_definition, definition
from mlplatform.cli.errors import UsageError

OWN = {"method": "random", "runs": 20, "space": {"lr": {}, "epochs": 5}, "pruner": {"method": "asha"}}


def fields(*words: str, own: dict[str, Any] | None = None, one_run: bool = True) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_definition(parser)
    return definition(parser.parse_args(words), own, one_run=one_run)


def test_without_a_word_one_run_with_the_defaults() -> None:
    assert fields() == {"runs": [{}]}


def test_without_a_word_the_own_search_is_left_alone() -> None:
    assert fields(own=OWN) == {}
    assert fields(one_run=False) == {}


def test_listed_values_replace_the_own_search() -> None:
    assert fields("--set", "lr=0.1,0.2", own=OWN) == {"runs": [{"lr": "0.1"}, {"lr": "0.2"}], "search": {}}
    assert fields("--set", "lr=0.1", "--repeat", "3", "--pruner", "median") == {
        "runs": [{"lr": "0.1"}],
        "search": {"method": "list", "repeat": 3, "pruner": {"method": "median"}},
    }


def test_defaults_can_be_repeated() -> None:
    assert fields("--repeat", "3") == {"runs": [{}], "search": {"method": "list", "repeat": 3}}


def test_a_method_keeps_what_else_the_own_search_says() -> None:
    assert fields("--search", "tpe", "--runs", "40", "--set", "epochs=9", own=OWN) == {
        "search": {**OWN, "method": "tpe", "runs": 40, "space": {"lr": {}, "epochs": "9"}}
    }


def test_the_own_search_is_changed() -> None:
    assert fields("--runs", "5", "--seed", "1", own=OWN) == {"search": {**OWN, "runs": 5, "seed": 1}}


def test_back_to_listed_values() -> None:
    assert fields("--search", "list", "--set", "lr=1", own=OWN) == {
        "runs": [{"lr": "1"}],
        "search": {"method": "list", "pruner": {"method": "asha"}},
    }


@pytest.mark.parametrize(
    "text", ["method: grid\nspace: {lr: [1, 2]}", "search: {method: grid, space: {lr: [1, 2]}}"]
)
def test_a_search_from_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "search.yaml").write_text(text)
    assert fields("--search", str(tmp_path / "search.yaml"), own=OWN) == {
        "search": {"method": "grid", "space": {"lr": [1, 2]}}
    }


@pytest.mark.parametrize(
    ("text", "words"), [("[1]", "holds no search"), ("{", "cannot be read"), (None, "cannot be read")]
)
def test_a_file_without_a_search(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "search.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=words):
        fields("--search", str(path))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--runs", "4"], "--runs"),
        (["--runs", "4", "--set", "lr=1,2"], "--runs"),
        (["--set", "lr=1..2"], "is a range"),
        (["--search", "bayes"], "no way to search"),
    ],
)
def test_contradictions(words: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        fields(*words)


def test_the_words_of_the_rest_api() -> None:
    words = "--name a --metric loss --direction minimize --max-parallel 2 --max-hours 1.5 --target 0.1 --workers 2"
    more = "--cpus 0.5 --gpus 1 --memory 4 --max-retries 1 --keep-best 2 --fresh-process --entrypoint t:t"
    assert fields(*words.split(), *more.split()) == {
        "name": "a",
        "objective_metric": "loss",
        "objective_direction": "minimize",
        "max_parallel": 2,
        "max_hours": 1.5,
        "target": 0.1,
        "workers": 2,
        "cpus_per_worker": 0.5,
        "gpus_per_worker": 1,
        "memory_per_worker": 4,
        "max_retries": 1,
        "keep_best": 2,
        "fresh_process": True,
        "entrypoint": "t:t",
        "runs": [{}],
    }
