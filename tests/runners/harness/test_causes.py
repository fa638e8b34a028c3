"""What people read when their run failed."""

import pytest

from runners.harness.causes import MAX_MESSAGE, MAX_TRACEBACK, cause_of
from runners.harness.code import CodeError, load_entrypoint, user_code


@pytest.fixture
def failing(tmp_path):
    """Run a bundle of one file and return the cause of its failure."""

    def run(text, entrypoint="train:train"):
        (tmp_path / "train.py").write_text(text)
        importing = True
        with user_code(tmp_path):
            try:
                function = load_entrypoint(entrypoint, tmp_path)
                importing = False
                function({})
            except BaseException as error:  # noqa: BLE001  # SystemExit is one of the cases
                return cause_of(error, importing=importing, code_dir=tmp_path)
        raise AssertionError("it did not fail")

    return run


def test_the_traceback_starts_at_the_users_code(failing):
    cause = failing("def inner():\n    raise ValueError('boom')\ndef train(config):\n    inner()\n")
    assert (cause.code, cause.message) == ("user_error", "ValueError: boom")
    assert cause.traceback.splitlines()[1] == '  File "train.py", line 4, in train'
    assert "harness" not in cause.traceback
    assert cause.traceback.endswith("ValueError: boom\n")


def test_library_frames_below_the_users_code_stay(failing):
    cause = failing("import json\ndef train(config):\n    json.loads('{')\n")
    assert "json/decoder.py" in cause.traceback


def test_chained_errors_are_trimmed_too(failing):
    cause = failing(
        "def train(config):\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError as error:\n        raise ValueError('x') from error\n"
    )
    assert cause.traceback.count('File "train.py"') == 2
    assert "direct cause" in cause.traceback


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def train(config:\n", "SyntaxError"),
        ("import nothing_like_this\n", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("from json import nothing\n", "ImportError"),
    ],
)
def test_code_that_cannot_be_imported(failing, text, message):
    cause = failing(text)
    assert cause.code == "code_error"
    assert message in cause.message
    assert "importlib" not in cause.traceback
    assert "train.py" in cause.traceback


def test_an_error_at_import_that_is_not_about_importing(failing):
    assert failing("raise RuntimeError('no GPU')").code == "user_error"


def test_an_import_that_fails_while_training(failing):
    assert failing("def train(config):\n    import nothing_like_this\n").code == "user_error"


@pytest.mark.parametrize(("call", "shown"), [("3", "3"), ("", ""), ("'bye'", "'bye'"), ("0", "0")])
def test_leaving_the_process(failing, call, shown):
    cause = failing(f"import sys\ndef train(config):\n    sys.exit({call})\n")
    assert cause.code == "user_exit"
    assert f"sys.exit({shown})" in cause.message


def test_an_entrypoint_error_needs_no_traceback():
    cause = cause_of(CodeError("There is no x.py"), importing=True)
    assert (cause.code, cause.message, cause.traceback) == ("code_error", "There is no x.py", "")


def test_what_is_too_long_keeps_both_ends(failing):
    cause = failing("def train(config):\n    raise ValueError('a' * 100_000 + 'z')\n")
    assert len(cause.message) <= MAX_MESSAGE
    assert len(cause.traceback) <= MAX_TRACEBACK
    assert cause.message.endswith("z")
    assert "characters cut" in cause.message


def test_deep_recursion_is_readable(failing):
    cause = failing("def train(config):\n    train(config)\n")
    assert cause.message.startswith("RecursionError")
    assert len(cause.traceback) < 3_000


def test_an_error_whose_text_cannot_be_made(failing):
    cause = failing(
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n"
        "def train(config):\n    raise Odd\n"
    )
    assert cause.code == "user_error"
    assert "Odd" in cause.message


@pytest.mark.parametrize(
    "raising",
    [
        "raise MemoryError",
        "import torch; raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')",
        "raise RuntimeError('CUDA error: out of memory')",
        'raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can\'t allocate memory")',
        "import torch; torch.empty(2**60)",
    ],
)
def test_running_out_of_memory(failing, raising):
    cause = failing(f"def train(config):\n    {raising}\n")
    assert cause.code == "out_of_memory"
    assert 'File "train.py", line 2' in cause.traceback


def test_words_about_memory_in_another_error_are_the_users(failing):
    assert failing("def train(config):\n    raise ValueError('out of memory')\n").code == "user_error"
