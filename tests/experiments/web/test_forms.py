from typing import Any

from experiments.search.conditions import declare_all
from experiments.web.forms import ParameterForm

DECLARED = declare_all(
    {
        "momentum": {"type": "float", "max": 0.99, "when": {"optimizer": "sgd"}},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
        "width": {"type": "int", "min": 8, "max": 64, "step": 8, "default": 32},
        "nesterov": {"type": "bool", "default": False, "when": {"momentum": [0.5, 0.9]}},
        "data": {"type": "constant", "default": "digits, small"},
    }
)
ALL = {
    "p-momentum": "0.5, 0.7",
    "p-optimizer": ["adam", "sgd"],
    "p-width": "16",
    "p-nesterov": ["true", "false"],
}
ALWAYS = {"width": 16, "data": "digits, small"}


class Posted(dict[str, Any]):
    """As much of a QueryDict as a form reads."""

    def getlist(self, key: str) -> list[str]:
        value = self.get(key, [])
        return value if isinstance(value, list) else [value]


def sets(data: dict[str, Any]) -> list[dict[str, Any]]:
    form = ParameterForm(DECLARED, Posted(data))
    assert form.is_valid(), form.errors
    return form.sets()


def test_what_does_not_apply_makes_no_run_twice() -> None:
    sgd = {"optimizer": "sgd", **ALWAYS}
    assert sets(ALL) == [
        {"optimizer": "adam", **ALWAYS},
        {"momentum": 0.5, "nesterov": True, **sgd},
        {"momentum": 0.5, "nesterov": False, **sgd},
        {"momentum": 0.7, **sgd},
    ]


def test_what_stands_in_an_input_that_does_not_apply_is_passed_over() -> None:
    for text in ("", "0.5", "fast", "7"):
        assert sets(ALL | {"p-optimizer": "adam", "p-momentum": text}) == [{"optimizer": "adam", **ALWAYS}]


def test_what_does_apply_is_checked() -> None:
    form = ParameterForm(DECLARED, Posted(ALL | {"p-momentum": "", "p-width": "20"}))
    assert not form.is_valid()
    assert "has no default" in form.errors["momentum"][0]
    assert "nearest allowed are 16 and 24" in form.errors["width"][0]


def test_a_constant_cannot_be_changed() -> None:
    assert {each["data"] for each in sets(ALL | {"p-data": "letters"})} == {"digits, small"}
    form = ParameterForm(DECLARED)
    assert "disabled" in str(form["data"])
    assert form["data"].value() == "digits, small"


def test_limits_in_words() -> None:
    limits = {item.name: item.limits for item in ParameterForm(DECLARED).items()}
    assert limits["momentum"] == "At most 0.99, only when optimizer is sgd"
    assert limits["width"] == "8 to 64, in steps of 8"
    assert limits["nesterov"] == "Only when momentum is 0.5 or 0.9"
    assert limits["data"] == ""
