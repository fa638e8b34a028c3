"""What is wrong with a query, and where."""

from mlplatform.kernel.errors import InvalidInput


class QueryError(InvalidInput):
    """A query that makes no sense. `column` counts characters from 1."""

    code = "query"

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"Column {column}: {problem}", field="where", column=column)
        self.column = column
        self.problem = problem
