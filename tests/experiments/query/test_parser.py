"""Any text is a tree or a clear error; a tree that is printed and read again is the same tree."""

import pytest
from hypothesis import given

from experiments.query.check import Names, check
from experiments.query.errors import QueryError
from experiments.query.parser import MAX_LENGTH, parse, parse_field, parse_sort
from experiments.query.tree import And, Comparison, Field, Literal, Node, Not, Or, quoted
from mlplatform.kernel.errors import InvalidInput
from tests.experiments.query.queries import ANY_TEXT, NODES


@given(NODES)
def test_what_is_printed_is_read_as_the_same(node: Node) -> None:
    assert parse(str(node)) == node


@given(ANY_TEXT)
def test_any_text_is_a_tree_or_an_error_with_a_column(text: str) -> None:
    try:
        node = parse(text)
        if node is not None:
            assert parse(str(node)) == node
            check(node, Names(["a"], ["lr"]))
    except QueryError as wrong:
        error = wrong
    else:
        return
    assert 1 <= error.column <= len(text) + 1
    assert error.message.startswith(f"Column {error.column}: ")
    assert error.field == "where"


def test_precedence_and_positions() -> None:
    a, b, c = (Comparison(Field("number"), "=", (Literal(digit),)) for digit in "123")
    assert parse("number=1 or number=2 and number=3") == Or((a, And((b, c))))
    assert parse("(number=1 OR number=2) AND number=3") == And((Or((a, b)), c))
    assert parse("not number=1 and number=2") == And((Not(a), b))
    assert parse("  ") is None
    found = parse('metrics."val loss".min <= 0.1')
    assert isinstance(found, Comparison)
    assert found.field == Field("metrics", "val loss", "min")
    assert found.values[0].column == 27
    assert parse_field("metrics.loss.min") == Field("metrics", "loss", "min")
    assert parse_field('metrics."loss.min"') == Field("metrics", "loss.min")
    assert str(parse_sort("-metrics.val/loss")) == "-metrics.val/loss"


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("acc > 1", 1, "there is no field 'acc'; did you mean metrics.acc, params.acc or tags.acc?"),
        ("sate = failed", 1, "did you mean state?"),
        ("metric.loss > 1", 1, "did you mean metrics?"),
        ("metrics > 1", 1, "a name must follow metrics"),
        ("state.x = 1", 1, "state has no parts"),
        ("state == failed", 7, "write = to compare"),
        ("state ~ f", 7, "regular expressions are not offered; use contains"),
        ("number = 1 & number = 2", 12, "write and"),
        ("state = ", 9, "a value was expected, not the end"),
        ("state failed", 7, "an operator"),
        ("number = 1 number = 2", 12, "and or or was expected"),
        ("(number = 1", 12, "expected ) for the ( in column 1"),
        ("number in 1", 11, "a list such as (1, 2)"),
        ('state = "failed', 9, "this quote is not closed"),
        ('metrics."a".mean > 1', 12, "after metrics: .min, .max, .last"),
        ("and", 1, "a field such as"),
        ("not " * 30 + "number = 1", 85, "more than 20 levels"),
        ("(" * 30, 22, "more than 20 levels"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "2000 characters"),
        (" or ".join(["number = 1"] * 41), 561, "more than 40 comparisons"),
    ],
)
def test_errors_of_grammar(text: str, column: int, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert (caught.value.column, words in caught.value.message) == (column, True), caught.value.message


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("metrics.acuracy > 1", 1, "no run here has a metric 'acuracy'; did you mean accuracy?"),
        ("number = 1 and params.epoch = 1", 16, "did you mean epochs?"),
        ("metrics.accuracy > high", 20, "a number was expected, not high"),
        ('metrics.accuracy > "1"', 20, "a number was expected"),
        ("metrics.accuracy = nan", 20, "a number was expected"),
        ("metrics.accuracy contains 1", 1, "has no operator contains"),
        ("params.lr < small", 13, "a number was expected"),
        ("tags.kind < b", 1, "has no operator <"),
        ("state = compleated", 9, "did you mean completed?"),
        ("state in (failed, x)", 19, "there is no state 'x'"),
        ("state = none", 9, "it is never none"),
        ("number = 1.5", 10, "a whole number"),
        ("number = 99999999999", 10, "a whole number"),
        ("duration > long", 12, "a time span such as"),
        ("created > yesterday", 11, "a time such as"),
        ("created > -999999999w", 11, "a time s"),
        ("created = 2026-01-01", 1, "use <, <=, >, >="),
    ],
)
def test_errors_of_meaning(text: str, column: int, words: str) -> None:
    node = parse(text)
    assert node is not None
    with pytest.raises(QueryError) as caught:
        check(node, Names(["accuracy"], ["lr", "epochs"]))
    assert (caught.value.column, words in caught.value.message) == (column, True), caught.value.message


def test_too_many_names_are_not_held_against_a_query() -> None:
    node = parse("metrics.x > 1")
    assert node is not None
    check(node, Names(None, []))


def test_quotes() -> None:
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
    assert parse_field("""params.'it"s'""") == Field("params", 'it"s')


@pytest.mark.parametrize("text", ["", "-", "lr", "metrics.", "number = 1", "--number"])
def test_no_order(text: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot sort by") as caught:
        parse_sort(text)
    assert caught.value.field == "sort"
