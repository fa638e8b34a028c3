"""Forms made from what the code declares. Values are checked by experiments.search.space and by the services."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from experiments.manifest import Manifest
from experiments.models.experiment import Direction
from experiments.search.scalars import Value
from experiments.search.space import Parameter, ParamSet, check_value, expand_grid, parse_values
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
}


def _text(value: Value | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _limits(parameter: Parameter) -> str:
    low = None if parameter.min is None else number(parameter.min)
    high = None if parameter.max is None else number(parameter.max)
    if low is not None and high is not None:
        return f"{low} to {high}" + (", on a log scale" if parameter.log else "")
    if low is not None:
        return f"At least {low}"
    return f"At most {high}" if high is not None else ""


@dataclass(frozen=True)
class ParameterItem:
    """One parameter as the template shows it."""

    name: str
    kind: str
    field: BoundField
    is_choice: bool
    limits: str


class ParameterForm(forms.Form):
    """One input per parameter; several values of some make one run for every combination."""

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        data: Mapping[str, Any] | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> None:
        super().__init__(data, prefix="p")
        self.parameters = parameters
        self.param_sets: list[ParamSet] = []
        for name, parameter in parameters.items():
            self.fields[name] = self._field(parameter, (values or {}).get(name, parameter.default))

    def items(self) -> Iterator[ParameterItem]:
        """For the template."""
        for name, parameter in self.parameters.items():
            is_choice = parameter.type in CHOICE_TYPES
            yield ParameterItem(name, KINDS[parameter.type], self[name], is_choice, _limits(parameter))

    @property
    def run_count(self) -> int:
        """Runs that the valid form makes; 1 before it was sent, as each parameter begins with one value."""
        return len(self.param_sets) or 1

    def clean(self) -> dict[str, Any]:
        """Parse each field into values, then multiply them out."""
        cleaned = super().clean() or {}
        values: dict[str, list[Value]] = {}
        for name, parameter in self.parameters.items():
            if name in self.errors:
                continue
            try:
                values[name] = self._values(parameter, cleaned.get(name) or "")
            except InvalidInput as error:
                self.add_error(name, error.message)
        if not self.errors:
            try:
                self.param_sets = expand_grid(values)
            except InvalidInput as error:
                self.add_error(None, error.message)
        return cleaned

    @staticmethod
    def _field(parameter: Parameter, initial: Value | None) -> forms.Field:
        if parameter.type in CHOICE_TYPES:
            choices = [_text(choice) for choice in (parameter.choices or (True, False))]
            return forms.MultipleChoiceField(
                choices=[(choice, choice) for choice in choices],
                initial=[] if initial is None else [_text(initial)],
                required=False,
                help_text=parameter.help,
                widget=forms.CheckboxSelectMultiple(attrs={"class": "form-selectgroup-input"}),
            )
        return forms.CharField(
            initial=_text(initial),
            required=False,
            max_length=2000,
            help_text=parameter.help,
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )

    @staticmethod
    def _values(parameter: Parameter, given: str | list[str]) -> list[Value]:
        if isinstance(given, list):
            return [check_value(parameter, choice) for choice in given]
        return parse_values(parameter, given)


class LaunchForm(forms.Form):
    """What an experiment needs besides its parameters."""

    name = forms.CharField(max_length=100)
    entrypoint = forms.CharField(max_length=200, help_text="module:function in your code.")
    objective_metric = forms.CharField(
        max_length=200, required=False, help_text="As reported by the code.", label="Metric that decides"
    )
    objective_direction = forms.ChoiceField(choices=Direction.choices, label="Better is")
    workers = forms.IntegerField(min_value=1, help_text="Ray Train workers per run.")
    cpus_per_worker = forms.FloatField(min_value=0.1, label="CPUs per worker")
    gpus_per_worker = forms.FloatField(min_value=0, label="GPUs per worker")
    max_parallel = forms.IntegerField(min_value=1, initial=1, label="Runs at a time")
    max_retries = forms.IntegerField(min_value=0, initial=0, label="Retries", help_text="Per run that fails.")

    @classmethod
    def of(cls, manifest: Manifest, data: Mapping[str, Any] | None) -> "LaunchForm":
        """The form with the defaults that the code declares."""
        names = (
            "name",
            "entrypoint",
            "objective_metric",
            "objective_direction",
            "workers",
            "cpus_per_worker",
            "gpus_per_worker",
        )
        values = {name: getattr(manifest, name) for name in names}
        shown = {name: number(value) if isinstance(value, float) else value for name, value in values.items()}
        form = cls(data, initial=shown)
        form.fields["objective_direction"].choices = [("maximize", "higher"), ("minimize", "lower")]  # type: ignore[attr-defined]
        return form
