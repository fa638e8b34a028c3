"""From an exception in user code to a typed cause with a traceback that starts at the user's first frame."""

import re
import traceback
from pathlib import Path

import torch

from .code import CODE_DIR, CodeError
from .protocol import Cause

MAX_MESSAGE = 2_000
MAX_TRACEBACK = 32_000

_OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate memory|CU(BLAS|DNN)_STATUS_ALLOC_FAILED", re.IGNORECASE
)

HARNESS_DIR = str(Path(__file__).resolve().parent)
WRAPPERS = ("importlib/__init__.py", "ray/train/v2/_internal/util.py", "ray/train/v2/api/train_fn_utils.py")


def cause_of(error: BaseException, *, importing: bool, code_dir: Path = CODE_DIR) -> Cause:
    """Classify `error`; `importing` tells whether it was raised while the entrypoint was being imported."""
    if isinstance(error, SystemExit):
        argument = "" if error.code is None else repr(error.code)
        message = f"The code called sys.exit({argument}); return from the train function instead."
        return Cause("user_exit", message, user_traceback(error, code_dir))
    if isinstance(error, CodeError):
        return Cause("code_error", _clip(str(error), MAX_MESSAGE))
    if isinstance(error, SyntaxError) or (importing and isinstance(error, ImportError)):
        return Cause("code_error", _summary(error), user_traceback(error, code_dir))
    code = "out_of_memory" if _is_out_of_memory(error) else "user_error"
    return Cause(code, _summary(error), user_traceback(error, code_dir))


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # The CPU allocator and some CUDA libraries raise a plain RuntimeError.
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def user_traceback(error: BaseException, code_dir: Path = CODE_DIR) -> str:
    """The formatted traceback without our frames above the user's code, and with paths relative to the bundle."""
    described = traceback.TracebackException.from_exception(error, compact=True)
    _trim(described, str(code_dir), set())
    text = "".join(described.format()).replace(f"{code_dir}/", "")
    return _clip(text, MAX_TRACEBACK)


def _trim(described: traceback.TracebackException, code_dir: str, seen: set[int]) -> None:
    if id(described) in seen:
        return
    seen.add(id(described))
    stack = described.stack
    first = next((i for i, frame in enumerate(stack) if frame.filename.startswith(code_dir)), 0)
    kept = [frame for frame in stack[first:] if not _ours(frame.filename)]
    described.stack = traceback.StackSummary.from_list(kept)
    for linked in (described.__cause__, described.__context__):
        if linked is not None:
            _trim(linked, code_dir, seen)


def _ours(filename: str) -> bool:
    """Frames that say nothing to the user: the harness, the import system, Ray's wrappers around `report`."""
    return filename.startswith((HARNESS_DIR, "<frozen importlib")) or filename.endswith(WRAPPERS)


def _summary(error: BaseException) -> str:
    return _clip("".join(traceback.format_exception_only(error)[-1:]).strip(), MAX_MESSAGE)


def _clip(text: str, limit: int) -> str:
    """Keep the beginning and the end: the end says what happened, the beginning where it started."""
    if len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters cut …\n{text[-half:]}"
