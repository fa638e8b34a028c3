"""Sections of an experiment besides its parameters and search. Limits are checked again by experiments.definition."""

from collections.abc import Mapping
from typing import Any

from django import forms

from experiments.definition import LIMITS, MAX_NAME, Definition
from experiments.manifest import PRIORITIES
from experiments.search.scalars import exact


def _whole(name: str, **options: Any) -> forms.IntegerField:
    low, high = LIMITS[name]
    return forms.IntegerField(min_value=int(low), max_value=int(high), **options)


def _amount(name: str, **options: Any) -> forms.FloatField:
    low, high = LIMITS[name]
    return forms.FloatField(min_value=low, max_value=high, **options)


class Section(forms.Form):
    """Begins with the values of a definition; what is left empty keeps them, but for a limit that is taken away."""

    clearable: tuple[str, ...] = ()

    def __init__(self, data: Mapping[str, Any] | None, definition: Definition) -> None:
        values = {name: getattr(definition, name) for name in self.base_fields}
        super().__init__(data, initial={name: exact(value) for name, value in values.items()})

    def values(self) -> dict[str, Any]:
        """Fields of a definition."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None or (name in self.clearable and name in self.data)
        }


class AboutForm(Section):
    """What is asked, and of which function."""

    name = forms.CharField(max_length=MAX_NAME)
    description = forms.CharField(
        max_length=2000,
        required=False,
        help_text="What you want to find out.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    entrypoint = forms.CharField(max_length=200, help_text="module:function in your code.")
    objective_metric = forms.CharField(
        max_length=200, required=False, help_text="As reported by the code.", label="Metric that decides"
    )
    objective_direction = forms.ChoiceField(
        choices=[("maximize", "higher"), ("minimize", "lower")], label="Better is"
    )

    def values(self) -> dict[str, Any]:
        """A description that is not sent at all stays."""
        found = super().values()
        return found if "description" in self.data else found | {"description": self.initial["description"]}


class ResourcesForm(Section):
    """What each run takes."""

    workers = _whole("workers", help_text="Ray Train workers per run.")
    cpus_per_worker = _amount("cpus_per_worker", label="CPUs per worker")
    gpus_per_worker = _amount("gpus_per_worker", label="GPUs per worker")


class LimitsForm(Section):
    """How much at a time and how much in all."""

    clearable = ("max_hours", "target")

    def values(self) -> dict[str, Any]:
        """A priority that is not sent at all stays."""
        return {name: value for name, value in super().values().items() if name != "priority" or value}

    max_parallel = _whole("max_parallel", label="Runs at a time")
    max_retries = _whole("max_retries", label="Retries", help_text="Per run that fails.")
    max_hours = _amount(
        "max_hours",
        required=False,
        label="Hours at most",
        help_text="Of being active; pauses do not count.",
    )
    priority = forms.ChoiceField(
        choices=[(each, each.capitalize()) for each in PRIORITIES],
        required=False,
        help_text="What goes first when not everything can run. Owners may choose high.",
    )
    target = forms.FloatField(
        required=False, label="Target", help_text="Everything stops once the metric reaches it."
    )


class AdvancedForm(Section):
    """What few people change."""

    memory_per_worker = _amount(
        "memory_per_worker",
        required=False,
        label="Memory per worker (GiB)",
        help_text="0 claims none.",
    )
    keep_last = _whole("keep_last", required=False, label="Newest")
    keep_best = _whole("keep_best", required=False, label="Best")
    keep_every = _whole("keep_every", required=False, label="Every n-th step")
    fresh_process = forms.BooleanField(
        required=False,
        label="New processes for every run",
        help_text="Takes some seconds each; for code that leaves traces in its process.",
    )
