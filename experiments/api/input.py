"""What the REST API takes to define an experiment: the words of experiments.definition."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rest_framework import serializers

from accounts.models import Project, User
from experiments.definition import SECTIONS, Definition
from experiments.manifest import Manifest
from experiments.models import Bundle
from experiments.search.checks import mapping, only, refused
from experiments.search.registry import proposes
from experiments.services.bundles import bundle_from_example
from mlplatform.http.input import Input
from mlplatform.kernel.errors import InvalidInput


class SectionedInput(Input):
    """Takes the sections of experiment.yaml too, such as `resources`, for the fields that they group."""

    def known(self) -> list[str]:
        """See Input."""
        return [*self.fields, *SECTIONS]

    def to_internal_value(self, data: Any) -> Any:
        """See Input. Raises InvalidInput for what is said twice."""
        if isinstance(data, Mapping) and any(section in data for section in SECTIONS):
            data = _without_sections(data)
        return super().to_internal_value(data)


class DefinitionInput(SectionedInput):
    """Everything may be left out; it then comes from the code's manifest, or from the experiment that is cloned."""

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    entrypoint = serializers.CharField(max_length=200, required=False)
    runs = serializers.ListField(child=serializers.DictField(), allow_empty=False, required=False)
    search = serializers.DictField(required=False)
    objective_metric = serializers.CharField(max_length=200, required=False)
    objective_direction = serializers.CharField(max_length=10, required=False)
    workers = serializers.IntegerField(required=False)
    cpus_per_worker = serializers.FloatField(required=False)
    gpus_per_worker = serializers.FloatField(required=False)
    memory_per_worker = serializers.FloatField(required=False)
    max_parallel = serializers.IntegerField(required=False)
    max_retries = serializers.IntegerField(required=False)
    max_hours = serializers.FloatField(required=False, allow_null=True)
    target = serializers.FloatField(required=False, allow_null=True)
    keep_last = serializers.IntegerField(required=False)
    keep_best = serializers.IntegerField(required=False)
    keep_every = serializers.IntegerField(required=False)
    fresh_process = serializers.BooleanField(required=False)
    priority = serializers.CharField(max_length=10, required=False)


class ExperimentInput(DefinitionInput):
    """A new experiment: a definition, and either `bundle` or `example`."""

    bundle = serializers.UUIDField(required=False)
    example = serializers.CharField(max_length=100, required=False)


class RevisionInput(SectionedInput):
    """What may be changed after launch; null takes a limit away."""

    refusal = "{} cannot be changed after launch (a clone can have it otherwise)"

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    max_parallel = serializers.IntegerField(required=False)
    max_retries = serializers.IntegerField(required=False)
    max_hours = serializers.FloatField(required=False, allow_null=True)
    target = serializers.FloatField(required=False, allow_null=True)
    runs = serializers.IntegerField(required=False)
    priority = serializers.CharField(max_length=10, required=False)


def asked_for(bundle: Bundle, given: dict[str, Any]) -> tuple[Definition, Sequence[Mapping[str, Any]]]:
    """The manifest's definition and sets, changed by what was sent.

    Who lists runs wants those, and not the manifest's search; who sends a search, not the manifest's runs.
    """
    manifest = Manifest.from_json(bundle.manifest)
    definition = Definition.of_manifest(manifest)
    changes = {name: value for name, value in given.items() if name != "runs"}
    if "runs" in given:
        return replace(definition, search={}).changed(changes), given["runs"]
    definition = definition.changed(changes)
    return definition, manifest.runs if "search" not in given or not proposes(definition.search) else ()


def bundle_of(user: User, project: Project, given: dict[str, Any]) -> Bundle:
    """Take `bundle` or `example` out of what was sent. Raises InvalidInput(field="bundle")."""
    pk, example = given.pop("bundle", None), given.pop("example", None)
    if (pk is None) == (example is None):
        raise InvalidInput("Name either a bundle (its id) or an example, not both.", field="bundle")
    if example is not None:
        return bundle_from_example(user=user, project=project, name=example)
    bundle = Bundle.objects.filter(pk=pk, project=project).first()
    if bundle is None:
        raise InvalidInput(f"There is no bundle {pk} in this project; upload the code first.", field="bundle")
    return bundle


def _without_sections(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the sections by themselves."""
    content = {name: value for name, value in data.items() if name not in SECTIONS}
    for section, fields in SECTIONS.items():
        given = mapping(data.get(section), section)
        only(given, tuple(fields), section)
        for key, value in given.items():
            if fields[key] in content:
                raise refused(f"{section}.{key}", f"is said twice, also as {fields[key]}; keep one of them")
            content[fields[key]] = value
    return content
