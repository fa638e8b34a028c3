import pytest
from django.http import QueryDict

from mlplatform.http.query import number_in, numbers_in
from mlplatform.kernel.errors import InvalidInput

NONSENSE = ("x", "1.5", "0x1", "\u0661", " 1", "1\n", "9" * 5000, "-" * 5000)


@pytest.mark.parametrize("text", [*NONSENSE, "0", "101", "-1", "000001000000000"])
def test_what_is_no_number_of_the_range_is_refused_by_its_name(text: str) -> None:
    query = QueryDict(mutable=True)
    query["limit"] = text
    with pytest.raises(InvalidInput) as caught:
        number_in(query, "limit", 10, 1, 100)
    assert caught.value.field == "limit"
    assert "from 1 to 100" in caught.value.message
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("query", "number"), [("", 10), ("limit=", 10), ("limit=1", 1), ("limit=007", 7), ("limit=100", 100)]
)
def test_a_number_or_its_default(query: str, number: int) -> None:
    assert number_in(QueryDict(query), "limit", 10, 1, 100) == number


def test_numbers_of_rows() -> None:
    assert numbers_in(QueryDict("run=3&run=1&other=x"), "run") == [3, 1]
    assert numbers_in(QueryDict(""), "run") == []


@pytest.mark.parametrize("text", [*NONSENSE, "", "-1", str(2**31)])
def test_one_that_is_no_number_of_a_row_is_not_left_out(text: str) -> None:
    query = QueryDict(mutable=True)
    query.setlist("run", ["1", text])
    with pytest.raises(InvalidInput, match="run is"):
        numbers_in(query, "run")
