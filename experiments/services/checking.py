"""Whether an experiment can be launched: asked by the preview and by the launch, so both refuse the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.models import Project, User
from accounts.permissions import allowed
from experiments.definition import Definition, check
from experiments.inspection import check_entrypoint
from experiments.manifest import Manifest
from experiments.models import Bundle
from experiments.models.experiment import Priority
from experiments.search.parameters import Parameter
from experiments.search.registry import proposes
from experiments.search.space import MAX_SETS, ParamSet, complete
from experiments.search.spec import MAX_TOTAL, SearchSpec
from experiments.selectors.bundles import check_requirements
from experiments.services.bundles import bundle_files, sources
from mlplatform.kernel.errors import InvalidInput

NO_RUNS = "Give at least one set of parameters, or a search."


@dataclass(frozen=True)
class Launch:
    """What can be launched: everything in its normal form. `listed` are complete sets that people gave."""

    manifest: Manifest
    definition: Definition
    search: SearchSpec
    listed: list[ParamSet]
    backend: str


def launch_checked(
    *, bundle: Bundle, definition: Definition, param_sets: Sequence[Mapping[str, object]]
) -> Launch:
    """Everything that can be wrong with an experiment raises InvalidInput here, with the field."""
    manifest, backend = Manifest.from_json(bundle.manifest), settings.DEFAULT_BACKEND
    definition, search = check(definition, manifest, backend)
    search = search or SearchSpec()
    if not param_sets and not proposes(definition.search):
        raise InvalidInput(NO_RUNS, field="runs")
    check_entrypoint(sources(bundle_files(bundle)), definition.entrypoint)
    check_requirements(bundle.requirements)
    listed = sets_checked(manifest.parameters, param_sets)
    total = (len(listed) + search.size(manifest.parameters)) * search.repeat
    if total > MAX_TOTAL:
        raise InvalidInput(
            f"These sets and those of the search make {total} runs; at most {MAX_TOTAL} fit into an experiment, so "
            "list fewer sets, search fewer or repeat them less.",
            field="runs",
        )
    return Launch(manifest, definition, search, listed, backend)


def priority_allowed(user: User, project: Project, priority: str) -> None:
    """Raise InvalidInput if somebody who is no owner wants to go before everybody else."""
    if priority == Priority.HIGH and not allowed(user, "manage", project):
        raise InvalidInput(
            f"Only owners of {project.name} may give high priority; choose normal, or ask an owner to raise it.",
            field="priority",
        )


def sets_checked(
    parameters: Mapping[str, Parameter], param_sets: Sequence[Mapping[str, object]]
) -> list[ParamSet]:
    """The sets that people gave, completed. Raises InvalidInput for too many or a wrong one."""
    if len(param_sets) > MAX_SETS:
        raise InvalidInput(
            f"{len(param_sets)} runs are too many at a time; at most {MAX_SETS}.", field="runs"
        )
    return [complete(parameters, given) for given in param_sets]
