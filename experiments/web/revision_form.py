"""What may be changed after launch."""

from collections.abc import Mapping
from typing import Any

from django import forms

from experiments.definition import Definition
from experiments.models import Experiment
from experiments.search.spec import MAX_RUNS
from experiments.web.section_forms import LimitsForm


class RevisionForm(LimitsForm):
    """Limits as at launch, the texts, and for a search the number of its sets."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"})
    )
    field_order = (
        "name",
        "description",
        "max_parallel",
        "max_retries",
        "max_hours",
        "target",
        "priority",
        "runs",
    )

    def __init__(self, data: Mapping[str, Any] | None, experiment: Experiment) -> None:
        super().__init__(data, Definition.of_experiment(experiment))
        runs = experiment.search.get("runs")
        if runs is not None:
            self.fields["runs"] = forms.IntegerField(
                min_value=1,
                max_value=MAX_RUNS,
                initial=runs,
                label="Parameter sets",
                help_text="A larger number continues the search with what it knows.",
            )

    def changes(self) -> dict[str, Any]:
        """The fields that differ from what they began with."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        return {name: value for name, value in changed.items() if name != "priority" or value}
