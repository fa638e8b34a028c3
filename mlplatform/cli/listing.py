"""Parameter sets that somebody has listed in a file."""

import csv
import json
from pathlib import Path
from typing import Any

from mlplatform.cli.client import Json
from mlplatform.cli.errors import UsageError

HELP = "sets listed in FILE: a .json list of mappings, or a .csv with names of parameters in its first line"


def sets_in(name: str) -> list[Json]:
    """The sets of a .json or .csv. Raises UsageError naming what is wrong."""
    path = Path(name).expanduser()
    read = {".json": _json, ".csv": _csv}.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"{name} is neither a .json nor a .csv file.")
    try:
        found = read(path.read_text("utf-8-sig"))
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{name} cannot be read: {error}") from error
    if not found:
        raise UsageError(f"{name} lists no set.")
    return found


def _json(text: str) -> list[Json]:
    content: Any = json.loads(text)
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise ValueError('write a list of sets, such as [{"lr": 0.1}, {"lr": 0.01}]')
    return content


def _csv(text: str) -> list[Json]:
    """Values are text, which the portal reads in the parameters' types. An empty cell says nothing."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = csv.DictReader(lines, skipinitialspace=True)
    found = []
    for row in rows:
        if None in row:
            raise ValueError(f"line {rows.line_num} has more values than the first line has names")
        found.append({name.strip(): cell.strip() for name, cell in row.items() if cell and cell.strip()})
    return found
