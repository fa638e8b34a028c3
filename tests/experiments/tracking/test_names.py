import pytest

from experiments.tracking import names


@pytest.mark.parametrize("good", ["loss", "val/loss", "a b:c-d_e.f", "größe", "n" * 250])
def test_good_key_stays(good: str) -> None:
    assert names.key(good) == good


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("acc@5", "acc_5"),
        ("loss (train)", "loss _train_"),
        ("/abs", "abs"),
        ("a//b/", "a/b"),
        ("../up", "_/up"),
        ("a/../b", "b"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        ("/", "_"),
        ("a\nb", "a_b"),
        ("a\x00", "a_"),
    ],
)
def test_bad_key_becomes_good(name: str, key: str) -> None:
    assert names.key(name) == key


def test_long_keys_stay_apart() -> None:
    one, two = names.key("n" * 300 + "1"), names.key("n" * 300 + "2")
    assert len(one) == len(two) == names.MAX_KEY
    assert one != two


def test_clash_gets_a_hash_and_the_good_name_keeps_its_key() -> None:
    keys = names.keys(["a@b", "a#b", "a_b"])
    assert keys["a_b"] == "a_b"
    assert len(set(keys.values())) == 3
    assert keys["a@b"].startswith("a_b-")
    assert keys == names.keys(["a_b", "a#b", "a@b"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (True, "True"),
        (None, "None"),
        ("x", "x"),
        ([1, "ä"], '[1, "ä"]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_param_value(value: object, text: str) -> None:
    assert names.param_value(value) == text


def test_cut_says_how_long_it_was() -> None:
    assert names.cut("x" * 30, 30) == "x" * 30
    assert names.cut("x" * 50, 30) == "xxxxxxxxxxx... (50 characters)"


def test_text_that_no_database_takes() -> None:
    assert names.cut("a\x00b\ud800", 10) == "a\ufffdb?"


def test_model_name() -> None:
    assert names.model_name("team/digits: v2") == "team.digits. v2"
