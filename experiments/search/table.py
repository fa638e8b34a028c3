"""Parameter sets as a table of text: a line of names, then a line of values for each set, as in a CSV file. Pure."""

import csv
import io
from collections.abc import Mapping, Sequence

from experiments.search.parameters import Parameter, written
from experiments.search.scalars import shown
from experiments.search.space import MAX_SETS, ParamSet, complete
from mlplatform.kernel.errors import InvalidInput

# Room for a thousand sets of dozens of parameters.
MAX_CHARACTERS = 2**20


def read_table(text: str, parameters: Mapping[str, Parameter]) -> list[ParamSet]:
    """The sets, each completed by the defaults where a cell is empty or a column is missing.

    Raises InvalidInput naming the line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    if len(lines) - 1 > MAX_SETS:
        raise InvalidInput(f"These are {len(lines) - 1} sets; at most {MAX_SETS} can be listed at a time.")
    names, *rows = ([cell.strip() for cell in row] for row in csv.reader(lines, skipinitialspace=True))
    if len(set(names)) < len(names) or "" in names:
        raise InvalidInput(f"The first line is {shown(lines[0])}; it must name each parameter once.")
    if not rows:
        raise InvalidInput("The first line names the parameters; write a line of values for each set below.")
    return [_set(position, names, row, parameters) for position, row in enumerate(rows, 1)]


def write_table(sets: Sequence[Mapping[str, object]], parameters: Mapping[str, Parameter]) -> str:
    """The text that `read_table` reads as these sets."""
    names = [name for name in parameters if any(name in each for each in sets)]
    if not names:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(each.get(name, "")) for name in names] for each in sets)
    return text.getvalue()


def _set(
    position: int, names: Sequence[str], row: Sequence[str], parameters: Mapping[str, Parameter]
) -> ParamSet:
    if len(row) > len(names):
        raise InvalidInput(f"Set {position} has {len(row)} values for {len(names)} parameters.")
    try:
        return complete(parameters, {name: cell for name, cell in zip(names, row, strict=False) if cell})
    except InvalidInput as error:
        raise InvalidInput(f"Set {position}: {error.message}") from error


def _cell(value: object) -> str:
    return written(value) if isinstance(value, bool | int | float | str) else ""
