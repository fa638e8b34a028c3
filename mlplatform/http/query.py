"""Numbers and flags in the query of an address."""

import re
from collections.abc import Mapping

from django.http import QueryDict

from mlplatform.kernel.errors import InvalidInput

SHOWN = 40
# That of the column which numbers runs.
LARGEST = 2**31 - 1
# That of other rows.
LARGEST_ROW = 2**63 - 1


def number_in(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number of a query. Raises InvalidInput."""
    text = query.get(name)
    return _number(name, text, least, most) if text else default


def numbers_in(query: QueryDict, name: str) -> list[int]:
    """What is given as often as one likes: numbers of rows. Raises InvalidInput."""
    return [_number(name, text, 0, LARGEST) for text in query.getlist(name)]


def flag_in(query: Mapping[str, str], name: str) -> bool:
    """Whether it is 1; 0 where nothing is said. Raises InvalidInput."""
    text = query.get(name, "0")
    if text not in {"0", "1"}:
        raise InvalidInput(f"{name} is {text[:SHOWN]!r}; write 0 or 1.", field=name)
    return text == "1"


def _number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise InvalidInput(
            f"{name} is {text[:SHOWN]!r}; write a whole number from {least} to {most}.", field=name
        )
    return int(text)
