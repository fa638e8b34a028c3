"""Queries for tests: any tree, and any text."""

from hypothesis import strategies as st

from experiments.query.check import check
from experiments.query.errors import QueryError
from experiments.query.parser import PLAIN
from experiments.query.tree import BARE, NAMED, PARTS, WORDS, And, Comparison, Field, Literal, Node, Not, Or

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
FIELDS = st.one_of(
    st.builds(Field, st.sampled_from(PLAIN)),
    st.builds(Field, st.sampled_from(NAMED), TEXT.filter(bool)),
    st.builds(Field, st.just("metrics"), TEXT.filter(bool), st.sampled_from(PARTS)),
)
LITERALS = st.one_of(
    st.builds(Literal, TEXT, st.just(True)),
    st.builds(Literal, TEXT.filter(lambda text: BARE.fullmatch(text) and text.lower() not in WORDS)),
    st.builds(Literal, st.sampled_from(["1", "-0.5", "1e-3", ".5", "inf", "none", "true", "2d", "-2d"])),
)
COMPARISONS = st.one_of(
    st.builds(
        Comparison,
        FIELDS,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "contains"]),
        LITERALS.map(lambda one: (one,)),
    ),
    st.builds(Comparison, FIELDS, st.just("in"), st.lists(LITERALS, min_size=1, max_size=4).map(tuple)),
)


def _trees(leaves: "st.SearchStrategy[Comparison]") -> "st.SearchStrategy[Node]":
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


def _makes_sense(comparison: Comparison) -> bool:
    try:
        check(comparison)
    except QueryError:
        return False
    return True


NODES = _trees(COMPARISONS)
# Of any names.
SENSIBLE = _trees(COMPARISONS.filter(_makes_sense))
# What a query is made of, in any order: finds more than letters at random.
PIECES = st.lists(
    st.sampled_from(
        ["metrics.", "a", ".min", "params.lr", "state", "=", "==", "!=", "<", "(", ")", "in", "and", "or", "not", ",",
         '"', "'", "x y", "\\", "~", "&", "0.1", "none", " ", "contains", "\0", "\ud800", "é", "metric.loss", "!"]
    ),
    max_size=15,
)  # fmt: skip
ANY_TEXT = st.one_of(st.text(max_size=60), PIECES.map("".join), PIECES.map(" ".join))
