"""REST: pause, resume, change and clone an experiment; cancel, retry, delete runs of it; fork and continue one."""

from collections.abc import Callable
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from experiments.api.input import DefinitionInput
from experiments.api.output.control import OutcomeJson, outcome_json
from experiments.api.output.experiments import ExperimentJson, experiment_json
from experiments.api.output.runs import CheckpointJson, RunJson, checkpoint_json, run_json
from experiments.definition import Definition
from experiments.models import Run
from experiments.search.registry import proposes
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.runs import run_by_id, run_details, run_rows_new
from experiments.services.control import (
    Outcome,
    experiment_cancel,
    experiment_pause,
    experiment_resume,
    run_cancel,
    run_retry,
    runs_cancel,
    runs_retry,
)
from experiments.services.deletion import runs_delete
from experiments.services.forking import run_continue, run_fork, run_forks
from experiments.services.launch import experiment_create
from experiments.services.tags import runs_tag
from mlplatform.http.answers import Answer, Created
from mlplatform.http.input import Input, RowNumber, checked
from mlplatform.http.listing import PAGED, listed
from mlplatform.kernel.errors import InvalidInput

EXPERIMENT_VERBS = {"cancel": experiment_cancel, "pause": experiment_pause, "resume": experiment_resume}
RUN_VERBS = {"cancel": run_cancel, "retry": run_retry}
RUNS_VERBS: dict[str, Callable[..., Outcome]] = {
    "cancel": runs_cancel,
    "delete": runs_delete,
    "retry": runs_retry,
}


class ExperimentVerbView(APIView):
    """POST cancel, pause or resume."""

    verb = ""

    @extend_schema(request=Input)
    def post(self, request: Request, pk: UUID) -> Answer[ExperimentJson]:
        """200 with the experiment; 409 if its state does not allow it."""
        act = EXPERIMENT_VERBS[self.verb]
        experiment = experiment_by_id(caller(request), pk, "control")
        checked(Input, request.data)
        return Answer(experiment_json(act(user=caller(request), experiment=experiment)))


class ExperimentCloneView(APIView):
    """POST: another experiment with the same code and definition, and what is sent instead."""

    @extend_schema(request=DefinitionInput)
    @once
    def post(self, request: Request, pk: UUID) -> Created[ExperimentJson]:
        """201 with the new experiment. Without `runs` and a searcher it gets the sets that people listed."""
        source = experiment_by_id(caller(request), pk, "launch")
        given = checked(DefinitionInput, request.data)
        sets = given.pop("runs", None)
        definition = Definition.of_experiment(source).changed(given)
        if sets is None and not proposes(definition.search):
            listed = source.runs.filter(searched=False, parent=None, repeat=1).order_by("number")
            sets = list(listed.values_list("params", flat=True))
        clone = experiment_create(
            user=caller(request),
            project=source.project,
            bundle=source.bundle,
            definition=definition,
            param_sets=sets or (),
            cloned_from=source,
        )
        return Created(experiment_json(clone))


class RunsVerbView(APIView):
    """POST cancel, delete or retry of several runs, by `numbers`; a retry without numbers takes all that failed."""

    verb = ""

    class Numbers(Input):
        """Run numbers."""

        numbers = serializers.ListField(child=RowNumber(), required=False, max_length=10_000)

    @extend_schema(request=Numbers)
    def post(self, request: Request, pk: UUID) -> Answer[OutcomeJson]:
        """200 with the numbers that were changed, and those that were skipped because of their state."""
        experiment = experiment_by_id(caller(request), pk, "control")
        numbers = checked(self.Numbers, request.data).get("numbers")
        act = RUNS_VERBS[self.verb]
        if self.verb != "retry":
            numbers = numbers or []
        return Answer(outcome_json(act(user=caller(request), experiment=experiment, numbers=numbers)))


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"oneOf": [{"type": "string", "nullable": True}, {"type": "number"}]},
    }
)
class TagsField(serializers.DictField):
    """Values by name. A number is kept as text; null takes a tag away."""


class RunsTagView(APIView):
    """POST numbers, tags: set tags of several runs; null takes one away."""

    class Tags(Input):
        """Run numbers, and tags by name."""

        numbers = serializers.ListField(child=RowNumber(), max_length=10_000)
        tags = TagsField(child=serializers.CharField(allow_null=True))

    @extend_schema(request=Tags)
    def post(self, request: Request, pk: UUID) -> Answer[OutcomeJson]:
        """200 with the numbers that were changed, and those that do not exist."""
        experiment = experiment_by_id(caller(request), pk, "control")
        given = checked(self.Tags, request.data)
        outcome = runs_tag(user=caller(request), experiment=experiment, **given)
        return Answer(outcome_json(outcome))


class RunVerbView(APIView):
    """POST cancel or retry."""

    verb = ""

    @extend_schema(request=Input)
    def post(self, request: Request, pk: UUID) -> Answer[RunJson]:
        """200 with the run; 409 if its state does not allow it."""
        act = RUN_VERBS[self.verb]
        run = run_by_id(caller(request), pk, "control")
        checked(Input, request.data)
        return Answer(_run(act(user=caller(request), run=run)))


class RunForkView(APIView):
    """POST checkpoint (its id, by default the last), params: a new run that begins there; runs: one for each set."""

    class Start(Input):
        """Where to begin and what to change."""

        checkpoint = serializers.IntegerField(required=False, min_value=0, max_value=2**63 - 1)
        params = serializers.DictField(required=False)
        runs = serializers.ListField(child=serializers.DictField(), required=False)

    @extend_schema(request=Start)
    @once
    def post(self, request: Request, pk: UUID) -> Created[RunJson | list[RunJson]]:
        """201 with the new run, or a list of those for `runs`: all or none; 409 if there is no checkpoint."""
        run = run_by_id(caller(request), pk, "launch")
        given = checked(self.Start, request.data)
        sets = given.pop("runs", None)
        if sets is None:
            return Created(_run(run_fork(user=caller(request), run=run, **given)))
        if "params" in given:
            raise InvalidInput("Send params for one fork, or runs for several, not both.", field="params")
        forks = run_forks(user=caller(request), run=run, param_sets=sets, **given)
        return Created([run_json(row) for row in run_rows_new(forks)])


class RunContinueView(APIView):
    """POST more: train a completed run for so many reports more."""

    class More(Input):
        """How much more."""

        more = serializers.IntegerField()

    @extend_schema(request=More)
    @once
    def post(self, request: Request, pk: UUID) -> Created[RunJson]:
        """201 with the new run."""
        run = run_by_id(caller(request), pk, "launch")
        given = checked(self.More, request.data)
        return Created(_run(run_continue(user=caller(request), run=run, **given)))


class RunCheckpointsView(APIView):
    """GET: checkpoints of a run, newest first."""

    @PAGED
    def get(self, request: Request, pk: UUID) -> Answer[list[CheckpointJson]]:
        """200."""
        checkpoints = run_by_id(caller(request), pk).checkpoints.all()
        return listed(request, checkpoints, checkpoint_json, order=("-step", "-id"))


def _run(run: Run) -> RunJson:
    return run_json(run_details(run))
