"""The other view of a new experiment: the whole definition as the text of an experiment.yaml."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms

from experiments.definition import SECTIONS, Definition, read_yaml
from experiments.manifest import FILE_NAME, Manifest, at_line
from experiments.search.preview import run_count
from experiments.search.registry import proposes
from experiments.search.space import ParamSet
from experiments.yaml_file import MAX_CHARACTERS
from mlplatform.kernel.errors import InvalidInput

# Field of a definition -> where experiment.yaml says it.
PATHS = {field: f"{section}.{key}" for section, keys in SECTIONS.items() for key, field in keys.items()}


class YamlForm(forms.Form):
    """Says the same as LaunchForms, and is asked the same."""

    yaml = forms.CharField(
        max_length=MAX_CHARACTERS,
        label=FILE_NAME,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "autocapitalize": "off"}),
    )

    def __init__(self, code: Manifest, data: Mapping[str, Any] | None, text: str = "") -> None:
        super().__init__(data, initial={"yaml": text})
        self.code = code
        self._text: str = (data or {}).get("yaml", text).replace("\r\n", "\n")
        self._said: tuple[Definition, list[ParamSet]] | None = None

    @property
    def bound(self) -> bool:
        """Whether somebody has sent it."""
        return self.is_bound

    @property
    def all(self) -> list[forms.BaseForm]:
        """For the template."""
        return [self]

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors)

    def clean_yaml(self) -> str:
        """Read it."""
        try:
            definition, sets = read_yaml(self._text, self.code)
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error
        if not sets and not proposes(definition.search):
            # As in the other view: one run with the defaults.
            definition = replace(definition, search={**definition.search, "method": "grid"})
        self._said = definition, sets
        return self._text

    def definition(self) -> Definition:
        """What the valid text says."""
        assert self._said
        return self._said[0]

    @property
    def sets(self) -> list[ParamSet]:
        """The sets that the valid text lists."""
        assert self._said
        return self._said[1]

    @property
    def run_count(self) -> int | None:
        """How many runs this makes at most; None where nobody can say yet."""
        text = self["yaml"].value() or ""
        try:
            definition, sets = self._said or read_yaml(text, self.code)
        except InvalidInput:
            return None
        return run_count(definition.search, self.code.parameters, sets)

    def show(self, error: InvalidInput) -> None:
        """Put an error of the services at the line that it is about."""
        path = PATHS.get(error.field or "", error.field)
        placed = InvalidInput(f"{FILE_NAME}: {error.message}", path=path)
        self.add_error("yaml", at_line(placed, self._text).message)
