"""What is wrong with a query, and where."""

from collections.abc import Iterable
from difflib import get_close_matches

from mlplatform.kernel.errors import InvalidInput


class QueryError(InvalidInput):
    """A query that makes no sense. `column` counts characters from 1."""

    code = "query"

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"Column {column}: {problem}", field="where", column=column)
        self.column = column
        self.problem = problem


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy: the nearest known word, or else what there is."""
    listed = list(known)
    by_lower = {name.lower(): name for name in listed}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_lower[near[0]]}?"
    shown = ", ".join(listed[:10])
    return f"there is {shown}{', …' if len(listed) > 10 else ''}." if listed else "there is none yet."
