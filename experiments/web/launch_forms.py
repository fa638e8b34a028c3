"""All forms of a new experiment together: from a definition, and back to one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.forms import BaseForm

from experiments.definition import Definition
from experiments.search.parameters import Parameter
from experiments.search.preview import run_count
from experiments.search.space import ParamSet
from experiments.web.forms import ParameterForm
from experiments.web.search_form import SearchForm
from experiments.web.section_forms import AboutForm, AdvancedForm, LimitsForm, ResourcesForm, Section
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput


class LaunchForms:
    """Unbound without `data`. The definition and the listed sets are what they begin with."""

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        definition: Definition,
        data: Mapping[str, Any] | None = None,
        sets: Sequence[ParamSet] = (),
    ) -> None:
        self._begin = definition
        self._sets = sets
        self._parameters = parameters
        self.bound = data is not None
        self.about = AboutForm(data, definition)
        self.resources = ResourcesForm(data, definition)
        self.limits = LimitsForm(data, definition)
        self.advanced = AdvancedForm(data, definition)
        self.search = SearchForm(data, definition.search, parameters, sets)
        self.params = ParameterForm(parameters, data, definition.search.get("space"))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The forms whose fields are a definition's."""
        return self.about, self.resources, self.limits, self.advanced

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong."""
        return any(form.errors for form in self)

    @property
    def all(self) -> list[BaseForm]:
        """For the template."""
        return list(self)

    def __iter__(self) -> Iterator[BaseForm]:
        """A list says all that is to be tried, so what is sent for single parameters is passed over."""
        return iter((*self.sections, self.search, *(() if self.search.is_list else (self.params,))))

    def is_valid(self) -> bool:
        """All are checked before anything is said, so that one look shows every error."""
        valid = [form.is_valid() for form in self]
        return all(valid)

    def definition(self) -> Definition:
        """What the valid forms say."""
        values: dict[str, Any] = {}
        for section in self.sections:
            values |= section.values()
        space = {} if self.search.is_list else self.params.space
        return replace(self._begin, **values, search=self.search.to_json(space))

    @property
    def sets(self) -> list[ParamSet]:
        """The sets that the valid forms list."""
        found: list[ParamSet] = self.search.cleaned_data["sets"]
        return found

    def show(self, error: InvalidInput) -> None:
        """Put an error of the services at the field that it is about: paths of `search` lead to several forms."""
        path = (error.field or "").split(".")
        match path:
            case ["search", "space", name, *_]:
                shown = InvalidInput(error.message.removeprefix("search.space."), field=name)
            case ["search", "space"]:
                self.params.add_error(None, error.message.replace("search.space", "The search space", 1))
                return
            case ["search", "pruner", "method", *_] | ["search", "pruner"]:
                shown = InvalidInput(error.message.removeprefix("search."), field="pruner")
            case ["search", *_, name]:
                shown = InvalidInput(
                    error.message.removeprefix("search.").removeprefix("pruner."), field=name
                )
            case _:
                shown = error
        forms = (self.params, *self.sections) if path[:2] == ["search", "space"] else tuple(self)
        show_error(shown, *forms)

    @property
    def run_count(self) -> int | None:
        """How many runs this makes at most; None where nobody can say yet."""
        if self.bound and self.has_errors:
            return None
        search = self.definition().search if self.bound else self._begin.search
        return run_count(search, self._parameters, self.sets if self.bound else self._sets)
