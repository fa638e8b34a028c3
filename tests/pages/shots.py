"""Pictures of the pages, for whoever names a folder for them."""

import os
from collections.abc import Callable
from pathlib import Path

FOLDER = os.environ.get("MLP_TEST_SHOTS", "")


def keep(take: Callable[[Path], object], name: str) -> None:
    """Take it, if somebody wants it."""
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
        take(Path(FOLDER, name))
