import pytest

from experiments.inspection import check_entrypoint, check_syntax, guess_manifest
from mlplatform.kernel.errors import InvalidInput

CODE = """
import torch
from elsewhere import other as alias

def helper(config): pass

def train(config):
    lr = config["lr"]
    for _ in range(config.get("epochs", 5)):
        config.get("name", "x"), config.get("late"), config.get("computed", 2 * lr)
        config.get("separator", "\\0"), config.get("huge", 1e999), config.get("odd", {}[0]), config.get("none", None)
"""


def test_a_syntax_error_names_file_line_and_text() -> None:
    with pytest.raises(InvalidInput, match=r"train\.py, line 2: .*def train\(config") as caught:
        check_syntax({"train.py": "import os\ndef train(config\n    pass\n"})
    assert caught.value.field == "code"


def test_a_nul_byte_is_a_syntax_error_too() -> None:
    with pytest.raises(InvalidInput, match=r"train\.py"):
        check_syntax({"train.py": "x = 1\x00"})


def test_the_train_function_and_its_parameters_are_found_without_running_anything() -> None:
    manifest = guess_manifest("mine", {"pkg/mod.py": CODE})
    assert manifest.entrypoint == "pkg.mod:train"
    assert manifest.progress == "epochs"
    assert [name for name, parameter in manifest.parameters.items() if parameter.required] == ["lr"]
    assert {name: (p.type, p.default) for name, p in manifest.parameters.items()} == {
        "lr": ("auto", None),
        "epochs": ("int", 5),
        "name": ("str", "x"),
        "late": ("auto", None),
        "computed": ("auto", None),
        "separator": ("auto", None),
        "huge": ("auto", None),
        "odd": ("auto", None),
        "none": ("auto", None),
    }


def test_any_function_of_a_config_will_do() -> None:
    assert guess_manifest("m", {"a.py": "def fit(cfg): pass"}).entrypoint == "a:fit"


def test_code_without_a_train_function_is_told_how_to_write_one() -> None:
    with pytest.raises(InvalidInput, match=r"def train\(config\)"):
        guess_manifest("m", {"a.py": "def f(x, y): pass\nclass train: pass"})


@pytest.mark.parametrize("entrypoint", ["train:train", "train:alias", "train:helper"])
def test_an_entrypoint_that_exists_passes(entrypoint: str) -> None:
    check_entrypoint({"train.py": CODE}, entrypoint)


@pytest.mark.parametrize(
    ("entrypoint", "words"),
    [
        ("train", "module:function"),
        ("model:train", "among the files: train.py"),
        ("train:fit", "it defines: helper, train"),
    ],
)
def test_an_unknown_entrypoint_says_what_there_is(entrypoint: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_entrypoint({"train.py": CODE}, entrypoint)
    assert words in caught.value.message
    assert caught.value.field == "entrypoint"


def test_code_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"train\.py"):
        check_syntax({"train.py": "x = " + "-" * 100_000 + "1"})


@pytest.mark.parametrize(
    "code",
    [
        "def train_func(): pass",
        "def train(config, verbose=False): pass",
        "def train(config, /): pass",
        "def train(config, *, resume=True): pass",
        "def train(*args, **kwargs): pass",
    ],
)
def test_a_train_function_is_what_ray_train_can_call(code: str) -> None:
    assert guess_manifest("m", {"a.py": code}).entrypoint.startswith("a:train")


@pytest.mark.parametrize(
    "code", ["def train(model, loader): pass", "def train(config, *, out): pass", "def fit(): pass"]
)
def test_what_needs_more_than_its_config_is_none(code: str) -> None:
    with pytest.raises(InvalidInput, match="No train function"):
        guess_manifest("m", {"a.py": code})


def test_the_parameters_of_other_signatures_are_found_too() -> None:
    code = "def train(config, /, verbose=False):\n    config['lr'], config.get('late')"
    assert list(guess_manifest("m", {"a.py": code}).parameters) == ["lr", "late"]
    assert guess_manifest("m", {"a.py": "def train_func(): pass"}).parameters == {}


def test_what_is_read_with_and_without_need_is_needed() -> None:
    code = "def train(config):\n    config.get('lr')\n    config['lr']"
    assert guess_manifest("m", {"a.py": code}).parameters["lr"].required
