"""One input per declared parameter. Values are checked by experiments.search and by the services."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from experiments.search.conditions import in_words, parents_first
from experiments.search.domains import Domain, domain
from experiments.search.parameters import NUMERIC, Parameter, check_value, written
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from experiments.search.text import parse, text_of
from mlplatform.http.templatetags import number
from mlplatform.kernel.errors import InvalidInput

CHOICE_TYPES = ("categorical", "bool")
KINDS = {
    "float": "number",
    "int": "whole number",
    "categorical": "choice",
    "bool": "yes or no",
    "str": "text",
    "auto": "read from the code",
    "constant": "constant",
}


@dataclass(frozen=True)
class ParameterItem:
    """One parameter as the template shows it.

    `when` has its conditions, and `ranges` the type of the numbers if ranges are taken: form.js counts the runs.
    """

    name: str
    kind: str
    field: BoundField
    is_choice: bool
    limits: str
    when: str
    ranges: str


class ParameterForm(forms.Form):
    """Reads each input as an entry of a search space: one value, several of them, or a range.

    A browser sends every input, so what is in one that does not apply to a combination is passed over, not refused.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        data: Mapping[str, Any] | None = None,
        space: Mapping[str, Any] | None = None,
    ) -> None:
        """`space` has what the inputs begin with, where that is not the parameter's default."""
        super().__init__(data, prefix="p")
        self.parameters = parameters
        self.domains: dict[str, Domain] = {}
        for name, parameter in parameters.items():
            self.fields[name] = _field(parameter, (space or {}).get(name, parameter.default))

    def items(self) -> Iterator[ParameterItem]:
        """For the template."""
        for name, parameter in self.parameters.items():
            when = {c.parent: [*map(written, c.values)] for c in parameter.when}
            yield ParameterItem(
                name,
                KINDS[parameter.type],
                self[name],
                parameter.type in CHOICE_TYPES,
                limits(parameter),
                json.dumps(when) if when else "",
                parameter.type if parameter.type in NUMERIC and not parameter.choices else "",
            )

    def sent(self) -> dict[str, list[str]]:
        """What a browser sends of the inputs as they begin, by their names."""
        found = {self[name].html_name: self[name].initial for name in self.parameters}
        return {name: begin if isinstance(begin, list) else [begin] for name, begin in found.items()}

    @property
    def space(self) -> dict[str, Any]:
        """What the valid form says in the shape of `search.space`, without what only repeats the default."""
        return {
            name: found.to_json()
            for name, found in self.domains.items()
            if not (found.fixed and found.choices[0] == self.parameters[name].default)
        }

    def sets(self) -> list[ParamSet]:
        """Every combination of the values. Raises InvalidInput for a range that has no end of them."""
        return SearchSpec.from_json({"method": "grid", "space": self.space}, self.parameters).grid(
            self.parameters
        )

    def clean(self) -> dict[str, Any]:
        """Parse each field into its domain."""
        cleaned = super().clean() or {}
        for name in parents_first(self.parameters):
            parameter = self.parameters[name]
            if name in self.errors or not self._may_apply(parameter):
                continue
            try:
                entry = _entry(parameter, cleaned.get(name) or "")
                # An optional one without a value is left out of every set.
                if entry is not None:
                    self.domains[name] = domain(parameter, entry, name)
            except InvalidInput as error:
                self.add_error(name, error.message)
        return cleaned

    def _may_apply(self, parameter: Parameter) -> bool:
        """Whether some combination of the values so far has it."""
        return all(
            c.parent in self.domains and any(map(self.domains[c.parent].holds, c.values))
            for c in parameter.when
        )


def _entry(parameter: Parameter, given: str | list[str]) -> Any:
    if parameter.type == "constant":
        return parameter.default
    if isinstance(given, list):
        ticked = [check_value(parameter, choice) for choice in given]
        entry: Any = ticked if len(ticked) > 1 else next(iter(ticked), None)
    else:
        entry = parse(parameter, given)
    if entry is not None:
        return entry
    if parameter.required:
        raise InvalidInput(f"Parameter {parameter.name} has no default, so it needs a value.")
    return parameter.default


def _field(parameter: Parameter, entry: Any) -> forms.Field:
    if parameter.type in CHOICE_TYPES:
        choices = [written(choice) for choice in (parameter.choices or (True, False))]
        ticked = choices if isinstance(entry, Mapping) else _listed(entry)
        return forms.MultipleChoiceField(
            label=parameter.name,
            choices=[(choice, choice) for choice in choices],
            initial=ticked,
            required=False,
            help_text=parameter.help,
            widget=forms.CheckboxSelectMultiple(attrs={"class": "form-selectgroup-input"}),
        )
    is_constant = parameter.type == "constant"
    return forms.CharField(
        label=parameter.name,
        initial="" if entry is None else written(entry) if is_constant else text_of(parameter, entry),
        required=False,
        disabled=is_constant,
        max_length=2000,
        help_text=parameter.help,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _listed(entry: Any) -> list[str]:
    values = entry if isinstance(entry, list | tuple) else [entry]
    return [written(value) for value in values if value is not None]


def limits(parameter: Parameter) -> str:
    """Which numbers are allowed and when it applies, in words; empty without any limit."""
    low = None if parameter.min is None else number(parameter.min)
    high = None if parameter.max is None else number(parameter.max)
    parts = []
    if low is not None and high is not None:
        parts.append(f"{low} to {high}" + (", on a log scale" if parameter.log else ""))
    elif low is not None:
        parts.append(f"at least {low}")
    elif high is not None:
        parts.append(f"at most {high}")
    if parameter.step is not None:
        parts.append(f"in steps of {number(parameter.step)}")
    if parameter.when:
        parts.append(f"only when {in_words(parameter)}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]
