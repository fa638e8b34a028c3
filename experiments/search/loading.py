"""Objects by dotted path, for what is too heavy to import before it is needed."""

from importlib import import_module
from typing import Any


def load(path: str) -> Any:
    """What `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
