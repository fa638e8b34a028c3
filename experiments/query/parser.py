"""Text of a query -> syntax tree.

query      = conjunction ("or" conjunction)*
conjunction = negation ("and" negation)*
negation   = "not" negation | "(" query ")" | comparison
comparison = field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "contains") value | field "in" "(" value ("," value)* ")"
"""

from dataclasses import dataclass
from typing import NoReturn

from experiments.query.errors import QueryError
from experiments.query.lexer import END, QUOTED, SIGN, WORD, Token, tokens
from experiments.query.tree import (
    METRICS,
    NAMED,
    PARTS,
    WORDS,
    And,
    Comparison,
    Field,
    Literal,
    Node,
    Not,
    Or,
)
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import known_instead, nearest

MAX_LENGTH = 2000
MAX_DEPTH = 20
MAX_COMPARISONS = 40
MAX_VALUES = 200
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
PLAIN = ("number", "set", "state", "created", "started", "ended", "duration", "user", "experiment", "cause")


@dataclass(frozen=True, slots=True)
class Sort:
    """What a table is sorted by. What has no value comes last either way."""

    field: Field
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else str(self.field)


def parse(text: str) -> Node | None:
    """The tree of a query, None for an empty one. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(MAX_LENGTH + 1, f"a query may have {MAX_LENGTH} characters.")
    found = tokens(text)
    if found[0].kind == END:
        return None
    parser = _Parser(found)
    node = parser.either(0)
    parser.expect_end()
    return node


def parse_field(text: str) -> Field:
    """One field. Raises QueryError."""
    parser = _Parser(tokens(text))
    field = parser.field()
    parser.expect_end()
    return field


def parse_sort(text: str) -> Sort:
    """A field, with - in front for descending. Raises InvalidInput(field="sort")."""
    try:
        return Sort(parse_field(text.removeprefix("-")), text.startswith("-"))
    except QueryError as error:
        raise InvalidInput(
            f"Cannot sort by {text!r}: {error.problem} Sort by a field such as number, state, duration, params.<name> "
            "or metrics.<name>, with - for descending.",
            field="sort",
        ) from None


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._comparisons = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != END
        return token

    def expect_end(self) -> None:
        """Raises QueryError if something follows."""
        token = self._next
        if token.kind != END:
            raise QueryError(token.column, f"and or or was expected before {token}.")

    def either(self, depth: int) -> Node:
        """Parts joined by or."""
        parts = [self._both(depth)]
        while self._next.is_word("or"):
            self._take()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self, depth: int) -> Node:
        parts = [self._negation(depth)]
        while self._next.is_word("and"):
            self._take()
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise QueryError(self._next.column, f"more than {MAX_DEPTH} levels of parentheses and not.")
        token = self._next
        if token.is_word("not"):
            self._take()
            return Not(self._negation(depth + 1))
        if token.kind == SIGN and token.text == "(":
            self._take()
            node = self.either(depth + 1)
            self._close(token)
            return node
        return self._comparison()

    def _close(self, opened: Token) -> None:
        token = self._take()
        if token.kind != SIGN or token.text != ")":
            raise QueryError(
                token.column, f"expected ) for the ( in column {opened.column}, but found {token}."
            )

    def field(self) -> Field:
        """A plain field, or a head with a name after a dot."""
        token = self._take()
        if token.kind != WORD or token.text.lower() in WORDS:
            raise QueryError(
                token.column, f"a field such as state or metrics.<name> was expected, not {token}."
            )
        head, dot, name = token.text.partition(".")
        if head in NAMED:
            return self._named(token, head, name) if dot else self._no_name(token, head)
        if token.text not in PLAIN:
            raise QueryError(token.column, f"there is no field {token.text!r}; {_remedy(token.text)}")
        return Field(token.text, column=token.column)

    def _named(self, token: Token, head: str, name: str) -> Field:
        part = ""
        if not name and self._next.kind == QUOTED and self._next.column == token.end:
            given = self._take()
            name = given.text
            after = self._next
            if after.kind == WORD and after.column == given.end:
                self._take()
                part = after.text.removeprefix(".")
                if head != METRICS or part not in PARTS or after.text == part:
                    raise QueryError(
                        after.column, f"{after} cannot follow a name; after metrics: .min, .max, .last"
                    )
        elif head == METRICS:
            first, _, last = name.rpartition(".")
            if first and last in PARTS:
                name, part = first, last
        if not name:
            self._no_name(token, head)
        return Field(head, name, part, token.column)

    def _no_name(self, token: Token, head: str) -> NoReturn:
        raise QueryError(token.column, f'a name must follow {head}, as in {head}.lr or {head}."two words".')

    def _comparison(self) -> Comparison:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise QueryError(self._next.column, f"more than {MAX_COMPARISONS} comparisons.")
        field = self.field()
        token = self._take()
        if token.kind == SIGN and token.text in SIGNS:
            return Comparison(field, token.text, (self._value(),))
        if token.is_word("contains"):
            return Comparison(field, "contains", (self._value(),))
        if token.is_word("in"):
            return Comparison(field, "in", self._values())
        raise QueryError(
            token.column, f"an operator ({' '.join(SIGNS)}, in, contains) was expected, not {token}."
        )

    def _values(self) -> tuple[Literal, ...]:
        opened = self._take()
        if opened.kind != SIGN or opened.text != "(":
            raise QueryError(opened.column, f"a list such as (1, 2) was expected, not {opened}.")
        values = [self._value()]
        while self._next.kind == SIGN and self._next.text == ",":
            self._take()
            values.append(self._value())
        if len(values) > MAX_VALUES:
            raise QueryError(opened.column, f"more than {MAX_VALUES} values.")
        self._close(opened)
        return tuple(values)

    def _value(self) -> Literal:
        token = self._take()
        if token.kind == QUOTED or (token.kind == WORD and token.text.lower() not in WORDS):
            return Literal(token.text, token.kind == QUOTED, token.column)
        raise QueryError(
            token.column, f"a value was expected, not {token}; put text with spaces into quotes."
        )


def _remedy(word: str) -> str:
    head, dot, _ = word.partition(".")
    if head in PLAIN:
        return f"{head} has no parts."
    if dot:
        return f"{known_instead(head, NAMED)}."
    # Rather a name without its head than another word that is only somewhat like it, as ended is like seed.
    near = nearest(word, PLAIN, cutoff=0.7)
    return f"did you mean {near or f'metrics.{word}, params.{word} or tags.{word}'}?"
