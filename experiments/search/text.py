"""How people write what a search does with one parameter, in one line of a form. Pure.

One value fixes the parameter, a list such as `16, 32` names the values to try, and `0.001..0.1 log` or
`16..64 step 16` is a range. An end that is left out (`..0.1`, `..`) is the declared one. The other form of all this
is an entry of `search.space` in experiment.yaml.
"""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.search.parameters import NUMERIC, Parameter, check_value, written, wrong
from experiments.search.scalars import Value, number, shown

RANGED = ("float", "int", "auto")
DOTS = ".."
REMEDY = "write a range such as 0.001..0.1, and after it log or step 0.01 if you like"


def parse(parameter: Parameter, text: str) -> Any:
    """The entry of `search.space`, None for an empty text. Raises InvalidInput(field=name).

    Values are checked; whether a range lies within the declared one is checked by `domains.domain`.
    """
    if _is_range(parameter, text):
        return _range(parameter, text)
    values = list(dict.fromkeys(check_value(parameter, part) for part in listed(text)))
    return values if len(values) > 1 else next(iter(values), None)


def listed(text: str) -> list[str]:
    """The parts between commas; a comma inside "double quotes" belongs to its part."""
    lines = [text.replace("\r", " ").replace("\n", " ")]
    parts = [part.strip() for row in csv.reader(lines, skipinitialspace=True) for part in row]
    return [part for part in parts if part]


def text_of(parameter: Parameter, entry: Any) -> str:
    """The text that `parse` reads as this entry."""
    if isinstance(entry, Mapping):
        return _range_text(parameter, entry)
    values = entry if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry]
    return ", ".join(_quoted(_value_text(parameter, value)) for value in values)


def _is_range(parameter: Parameter, text: str) -> bool:
    if parameter.type not in RANGED or parameter.choices or DOTS not in text:
        return False
    # Without a declared type this may as well be a path: it is a range if it begins like one.
    return parameter.type != "auto" or _is_number(text.partition(DOTS)[0])


def _range(parameter: Parameter, text: str) -> dict[str, Any]:
    low, _, rest = text.partition(DOTS)
    words = rest.split()
    entry: dict[str, Any] = {}
    if low.strip():
        entry["min"] = _number(parameter, low.strip(), text)
    if words and words[0] not in ("log", "linear", "step"):
        entry["max"] = _number(parameter, words.pop(0), text)
    while words:
        match words:
            case ["log" | "linear" as scale, *words]:
                entry["log"] = scale == "log"
            case ["step", step, *words]:
                entry["step"] = _number(parameter, step, text)
            case ["step"]:
                raise wrong(parameter.name, f"is {shown(text)}, but no number follows step; {REMEDY}")
            case [word, *_]:
                raise wrong(parameter.name, f"is {shown(text)} with the unknown word {shown(word)}; {REMEDY}")
    if parameter.type == "auto":
        whole = all(isinstance(entry[key], int) for key in ("min", "max", "step") if key in entry)
        return {"type": "int" if whole else "float", **entry}
    return entry


def _number(parameter: Parameter, word: str, text: str) -> float:
    try:
        value = number(word)
    except ValueError as error:
        raise wrong(parameter.name, f"is {shown(text)}, in which something {error}; {REMEDY}") from None
    if parameter.type == "int" and not value.is_integer():
        raise wrong(parameter.name, f"is {shown(text)}, but {word} is not a whole number; write one")
    whole = parameter.type == "int" or (parameter.type == "auto" and word.lstrip("+-").isdecimal())
    return int(value) if whole else value


def _range_text(parameter: Parameter, entry: Mapping[str, Any]) -> str:
    ends = {
        key: _value_text(parameter, float(value) if entry.get("type") == "float" else value)
        for key in ("min", "max", "step")
        if (value := entry.get(key)) is not None
    }
    words = [f"{ends.get('min', '')}{DOTS}{ends.get('max', '')}"]
    if "step" in ends:
        words.append(f"step {ends['step']}")
    log = entry.get("log")
    if log:
        words.append("log")
    elif log is False and parameter.log:
        words.append("linear")
    return " ".join(words)


def _value_text(parameter: Parameter, value: Value) -> str:
    """5 for a number 5.0; without a declared type the point says that it is no whole number."""
    if parameter.type in NUMERIC and isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return written(value)


def _is_number(word: str) -> bool:
    try:
        number(word)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    return '"' + text.replace('"', '""') + '"'
