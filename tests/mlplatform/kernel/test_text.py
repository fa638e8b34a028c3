"""Words that were perhaps meant."""

from mlplatform.kernel.text import LISTED, known_instead, nearest


def test_the_nearest_word_in_capitals_or_not() -> None:
    assert nearest("acuracy", ["loss", "Accuracy"]) == "Accuracy"
    assert nearest("LOSS", ["loss"]) == "loss"
    assert nearest("seed", ["ended"]) == "ended"
    assert nearest("seed", ["ended"], cutoff=0.7) == ""
    assert nearest("x" * 100_000, ["loss"]) == ""


def test_what_there_is() -> None:
    assert known_instead("x", []) == "there are none"
    assert known_instead("x", ["loss"]) == "known are loss"
    assert known_instead("los", ["loss", "lr"]) == "did you mean loss? known are loss, lr"
    many = [f"m{number}" for number in range(LISTED + 1)]
    assert known_instead("x", many) == f"known are {', '.join(many[:-1])}, …"
