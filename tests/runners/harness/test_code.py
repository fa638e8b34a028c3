"""The user's code is imported anew for every run, from its own folder only."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from runners.harness.code import CodeError, load_entrypoint, user_code


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


def write(bundle, name, text):
    path = bundle / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def call(bundle, entrypoint="train:train"):
    with user_code(bundle):
        return load_entrypoint(entrypoint, bundle)({})


def test_the_function_runs_in_its_folder_with_its_neighbours(bundle):
    write(bundle, "train.py", "import os, helper\ndef train(config): return helper.NAME, os.getcwd()")
    write(bundle, "helper.py", "NAME = 'helper'")
    before = Path.cwd()
    assert call(bundle) == ("helper", str(bundle))
    assert Path.cwd() == before
    assert str(bundle) not in sys.path
    assert "helper" not in sys.modules


def test_module_state_does_not_survive_a_run(bundle):
    write(bundle, "train.py", "import helper\ndef train(config):\n helper.COUNT += 1\n return helper.COUNT")
    write(bundle, "helper.py", "COUNT = 0")
    assert call(bundle) == 1
    assert call(bundle) == 1


def test_what_a_thread_of_the_last_run_imported_late_is_forgotten_too(bundle):
    write(bundle, "train.py", "import helper\ndef train(config): return helper.STATE")
    write(bundle, "helper.py", "STATE = 'fresh'")
    late = ModuleType("helper")
    vars(late).update(__file__=str(bundle / "helper.py"), STATE="stale")
    sys.modules["helper"] = late
    assert call(bundle) == "fresh"


def test_packages_and_namespace_packages(bundle):
    write(bundle, "pkg/__init__.py", "")
    write(bundle, "pkg/sub/train.py", "from pkg import other\ndef train(config): return other.X")
    write(bundle, "pkg/other.py", "X = 5")
    assert call(bundle, "pkg.sub.train:train") == 5
    assert not [name for name in sys.modules if name.split(".")[0] == "pkg"]


def test_two_bundles_with_the_same_module_names(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, "train.py", f"def train(config): return {name!r}")
    assert call(tmp_path / "one") == "one"
    assert call(tmp_path / "two") == "two"


@pytest.mark.parametrize(
    ("entrypoint", "message"),
    [
        ("train", "module:function"),
        (":train", "module:function"),
        ("train:", "module:function"),
        ("nothing:train", r"There is no nothing.py in the code bundle \(it has train.py\)"),
        ("train:fit", "train.py has no 'fit'"),
        ("train:NUMBER", "'NUMBER' in train.py is a int, not a function"),
    ],
)
def test_a_wrong_entrypoint_is_explained(bundle, entrypoint, message):
    write(bundle, "train.py", "NUMBER = 1\ndef train(config): pass")
    with user_code(bundle), pytest.raises(CodeError, match=message):
        load_entrypoint(entrypoint, bundle)


def test_a_name_that_python_has_taken_is_explained(bundle):
    write(bundle, "json.py", "def train(config): pass")
    with user_code(bundle), pytest.raises(CodeError, match=r"already taken .* rename your file"):
        load_entrypoint("json:train", bundle)


def test_errors_of_the_module_pass_through_and_everything_is_put_back(bundle):
    write(bundle, "train.py", "raise RuntimeError('at import')")
    path, folder = list(sys.path), os.getcwd()  # noqa: PTH109  # the exact value matters
    with pytest.raises(RuntimeError, match="at import"), user_code(bundle):
        load_entrypoint("train:train", bundle)
    assert (sys.path, os.getcwd()) == (path, folder)  # noqa: PTH109
