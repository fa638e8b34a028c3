"""Imports the user's entrypoint from `code/`, anew for every run of a warm process."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

# The package is packed beside the user's bundle: <working_dir>/mlp_harness/ and <working_dir>/code/.
CODE_DIR = Path(__file__).resolve().parent.parent / "code"
# By folder, what was loaded and is not the user's: some 3,500 modules need not be asked twice a run where they lie.
_foreign: dict[str, dict[str, ModuleType]] = {}


class CodeError(Exception):
    """The entrypoint cannot be used; the message says why and what to change."""


@contextmanager
def user_code(code_dir: Path = CODE_DIR) -> Iterator[None]:
    """Make `code_dir` the first import path and the working directory; forget the user's modules afterwards."""
    path, working_dir = str(code_dir), Path.cwd()
    forget_modules(code_dir)
    saved_path = list(sys.path)
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(working_dir)
        sys.path[:] = saved_path
        forget_modules(code_dir)


def load_entrypoint(entrypoint: str, code_dir: Path = CODE_DIR) -> Callable[[dict[str, Any]], Any]:
    """Import `module:function`. Raises CodeError, or whatever the module raises while it is imported."""
    module_name, separator, function_name = entrypoint.partition(":")
    if not (separator and module_name and function_name):
        raise CodeError(
            f"The entrypoint {entrypoint!r} must have the form module:function, for example train:train."
        )
    _check_exists(module_name, code_dir)
    module = importlib.import_module(module_name)
    if not _lies_in(module, _inside(code_dir)):
        raise CodeError(
            f"The module {module_name!r} of the entrypoint {entrypoint!r} is already taken by "
            f"{getattr(module, '__file__', 'a built-in module')}; rename your file."
        )
    function = getattr(module, function_name, None)
    if function is None:
        raise CodeError(
            f"{module_name}.py has no {function_name!r}, which the entrypoint {entrypoint!r} names."
        )
    if not callable(function):
        raise CodeError(
            f"{function_name!r} in {module_name}.py is a {type(function).__name__}, not a function."
        )
    return function  # type: ignore[no-any-return]  # getattr


def forget_modules(code_dir: Path) -> None:
    """Drop every loaded module whose file lies in `code_dir`, so that the next run imports it afresh."""
    folder = _inside(code_dir)
    known = _foreign.get(folder, {})
    # First all, then delete: a namespace package looks up its parents in order to tell its path.
    loaded = sys.modules.copy()
    theirs = [
        name for name, module in loaded.items() if known.get(name) is not module and _lies_in(module, folder)
    ]
    for name in theirs:
        del sys.modules[name], loaded[name]
    _foreign[folder] = loaded


def _check_exists(module_name: str, code_dir: Path) -> None:
    relative = Path(*module_name.split("."))
    if (code_dir / relative).with_suffix(".py").is_file() or (code_dir / relative / "__init__.py").is_file():
        return
    present = ", ".join(sorted(path.name for path in code_dir.glob("*.py"))) or "no .py file"
    raise CodeError(f"There is no {relative}.py in the code bundle (it has {present}).")


def _inside(code_dir: Path) -> str:
    """What the path of everything in the folder begins with."""
    return f"{code_dir}{os.sep}"


def _lies_in(module: ModuleType | None, folder: str) -> bool:
    # Not getattr: some libraries' lazy modules import half of themselves when asked for an attribute.
    attributes = getattr(module, "__dict__", {})
    if file := attributes.get("__file__"):
        return isinstance(file, str) and file.startswith(folder)
    # Namespace packages have no file, only search paths.
    places = list(attributes.get("__path__") or [])
    return any(isinstance(place, str) and f"{place}{os.sep}".startswith(folder) for place in places)
