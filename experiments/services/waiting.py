"""Why does a run wait? Written beside each queued run, in words."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from experiments.models import Experiment, Run
from experiments.planning import waiting_words
from experiments.services.lifecycle import RUNS_TOLD, runs_changed
from experiments.services.snapshot import failures
from experiments.states import EXPERIMENT_OPEN, ExperimentState, RunState
from mlplatform.kernel import clock
from runners.selectors.allocations import allocations_live, silent_since

# A group that waits for work asks for it twice a second, one that is started again takes longer.
WORTH_A_WORD = timedelta(seconds=30)


def runs_explain(troubles: Mapping[UUID, str]) -> None:
    """Write why each queued run waits; the pages hear of it only when the words change.

    `troubles` has what kept an experiment from asking for workers just now.
    """
    queued = Run.objects.filter(state=RunState.QUEUED)
    waiting = Experiment.objects.filter(
        Exists(queued.filter(experiment=OuterRef("pk"))), state__in=EXPERIMENT_OPEN
    )
    for experiment in waiting:
        words = troubles.get(experiment.pk) or _words(experiment)
        # Those that back off after a loss say so themselves.
        unsaid = queued.filter(experiment=experiment).exclude(waiting_reason=words)
        unsaid = unsaid.exclude(not_before__gt=clock.now())
        first = list(unsaid.order_by("number").values_list("pk", flat=True)[:RUNS_TOLD])
        if first:
            unsaid.update(waiting_reason=words)
            with transaction.atomic():
                runs_changed(experiment.pk, first)


def _words(experiment: Experiment) -> str:
    if experiment.state == ExperimentState.PAUSED:
        return "The experiment is paused; resume it to go on."
    live = allocations_live(experiment.id)
    silent = [since for allocation in live if (since := silent_since(allocation))]
    if silent and len(silent) == len(live) and clock.now() - max(silent) > WORTH_A_WORD:
        until = max(silent) + timedelta(seconds=settings.START_TIMEOUT_SECONDS)
        return (
            f"Nothing was heard of its workers since {max(silent):%H:%M:%S} UTC. "
            f"If they do not come back, others are asked for at {until:%H:%M:%S} UTC."
        )
    states = [(a.state, a.waiting_reason) for a in live]
    return waiting_words(states, failures=len(failures(experiment)), max_parallel=experiment.max_parallel)
