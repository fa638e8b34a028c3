"""The syntax tree of a query. `str()` of a node is text that parses to an equal node."""

import re
from dataclasses import dataclass, field

METRICS, PARAMS, TAGS = "metrics", "params", "tags"
# What runs can be taken together by, besides a parameter.
BY_SET = "set"
NAMED = (METRICS, PARAMS, TAGS)
PARTS = ("min", "max", "last")
WORDS = frozenset({"and", "or", "not", "in", "contains"})
# What needs no quotes.
BARE = re.compile(r"[^\s\"'()<>=!~,&|]+")


@dataclass(frozen=True, slots=True)
class Field:
    """`state`, `params.lr`, or `metrics.loss.min`. Where it stands does not make it another one."""

    head: str
    name: str = ""
    part: str = ""
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        if self.head not in NAMED:
            return self.head
        plain = BARE.fullmatch(self.name) and not (
            self.head == METRICS and self.name.rpartition(".")[2] in PARTS
        )
        return ".".join(filter(None, (self.head, self.name if plain else quoted(self.name), self.part)))


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written; in quotes it is text whatever it looks like."""

    text: str
    is_quoted: bool = False
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted else self.text


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op value`, or `field in (value, …)`."""

    field: Field
    op: str
    values: tuple[Literal, ...]

    def __str__(self) -> str:
        right = ", ".join(map(str, self.values))
        return f"{self.field} {self.op} ({right})" if self.op == "in" else f"{self.field} {self.op} {right}"


@dataclass(frozen=True, slots=True)
class Not:
    """The runs for which the inner one does not hold."""

    inner: "Node"

    def __str__(self) -> str:
        return f"not {_inside(self.inner)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " and ".join(map(_inside, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " or ".join(map(_inside, self.parts))


Node = Comparison | Not | And | Or


def quoted(text: str) -> str:
    """In double quotes, with backslashes before quotes and backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _inside(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)
