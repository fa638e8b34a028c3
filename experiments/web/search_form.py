"""How sets are found and when weak runs stop: `search` of experiment.yaml without its space."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from experiments.search.parameters import Parameter
from experiments.search.pruner_spec import OPTIONS, PrunerSpec
from experiments.search.scalars import INTEGER_LIMIT
from experiments.search.space import ParamSet
from experiments.search.spec import MAX_REPEAT, MAX_RUNS
from experiments.search.table import MAX_CHARACTERS, read_table, write_table
from experiments.web.words import METHODS, PRUNERS
from mlplatform.kernel.errors import InvalidInput

OPTION_TEXTS = {
    "min_steps": ("First rung", "Reports that every run makes before it is judged."),
    "reduction": ("Reduction", "One of so many goes on from each rung."),
    "startup_runs": ("Runs before judging", "So many others must have come as far."),
    "warmup_steps": ("Reports before judging", "Earlier ones are never judged."),
    "interval": ("Judge every", "Reports between two judgements."),
}


@dataclass(frozen=True)
class PrunerOption:
    """An option with the pruners that have it, for the page to hide it from the others."""

    field: BoundField
    pruners: list[str]


class SearchForm(forms.Form):
    """What is left out has the default of experiment.yaml."""

    method = forms.ChoiceField(
        choices=[(method, name) for method, (name, _) in METHODS.items()],
        required=False,
        label="Find parameter sets by",
        widget=forms.RadioSelect(attrs={"class": "form-selectgroup-input"}),
    )
    runs = forms.IntegerField(
        min_value=1,
        max_value=MAX_RUNS,
        required=False,
        label="Parameter sets",
        help_text="How many it may try.",
    )
    repeat = forms.IntegerField(
        min_value=1,
        max_value=MAX_REPEAT,
        required=False,
        label="Runs per set",
        help_text="With different seeds, shown as mean ± std.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=INTEGER_LIMIT,
        required=False,
        label="Seed",
        help_text="The same seed gives the same sets and run seeds.",
    )
    pruner = forms.ChoiceField(
        choices=[(method, name) for method, (name, _) in PRUNERS.items()],
        required=False,
        label="Stop weak runs early",
    )

    sets = forms.CharField(
        max_length=MAX_CHARACTERS,
        required=False,
        label="Sets of your own",
        help_text="Names of parameters in the first line, then a line of values for each set, with commas between. "
        "What is left out has its default. A search tries them first.",
        widget=forms.Textarea(
            attrs={"rows": 4, "spellcheck": "false", "placeholder": "lr, epochs\n0.1, 5\n0.01, 20"}
        ),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        search: Mapping[str, Any],
        parameters: Mapping[str, Parameter],
        sets: Sequence[ParamSet],
    ) -> None:
        """`search` is in the shape of experiment.yaml; a list without sets is shown as a grid."""
        self._parameters = parameters
        pruner = search.get("pruner") or {"method": "none"}
        initial = {
            "method": search.get("method", "list"),
            "runs": search.get("runs") or 20,
            "repeat": search.get("repeat", 1),
            "seed": search.get("seed", 0),
            "pruner": pruner["method"],
            "sets": write_table(sets, parameters),
        }
        if initial["method"] == "list" and not sets:
            initial["method"] = "grid"
        super().__init__(data, initial=initial)
        for name, (label, text) in OPTION_TEXTS.items():
            self.fields[name] = forms.IntegerField(
                min_value=min(options[name] for options in OPTIONS.values() if name in options),
                required=False,
                label=label,
                help_text=text,
                initial=pruner.get(name, getattr(PrunerSpec, name)),
            )

    def options(self) -> Iterator[PrunerOption]:
        """The options of all pruners, for the template."""
        for name in OPTION_TEXTS:
            yield PrunerOption(self[name], [method for method, known in OPTIONS.items() if name in known])

    @staticmethod
    def hints() -> list[tuple[str, str]]:
        """(method, when to choose it), for the template."""
        return [(method, text) for method, (_, text) in METHODS.items()]

    @staticmethod
    def pruner_hints() -> list[tuple[str, str]]:
        """(pruner, what it does), for the template."""
        return [(method, text) for method, (_, text) in PRUNERS.items()]

    @property
    def is_list(self) -> bool:
        """Whether people list the sets, so that nothing else says what to try."""
        return str(self["method"].value() or self.initial["method"]) == "list"

    def clean_sets(self) -> list[ParamSet]:
        """The sets of the table."""
        try:
            return read_table(self.cleaned_data["sets"], self._parameters)
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error

    def clean(self) -> dict[str, Any]:
        """A search that draws sets needs to know when to stop, a list has to have some."""
        cleaned = super().clean() or {}
        match self._value("method"):
            case "list":
                if not cleaned.get("sets") and "sets" not in self.errors:
                    self.add_error("sets", "List at least one set.")
            case "grid":
                pass
            case _:
                if not cleaned.get("runs") and "runs" not in self.errors:
                    self.add_error("runs", "Say how many sets may be tried.")
        return cleaned

    def to_json(self, space: Mapping[str, Any]) -> dict[str, Any]:
        """In the shape of experiment.yaml. Only for a valid form."""
        method, pruner = self._value("method"), self._value("pruner")
        names = ["repeat", "seed"] if method in ("grid", "list") else ["runs", "repeat", "seed"]
        found = {"method": method, **{name: self._value(name) for name in names}}
        if method != "list":
            found["space"] = dict(space)
        if pruner != "none":
            found["pruner"] = {"method": pruner, **{name: self._value(name) for name in OPTIONS[pruner]}}
        return found

    def _value(self, name: str) -> Any:
        value = self.cleaned_data.get(name)
        return self.get_initial_for_field(self.fields[name], name) if value in (None, "") else value
