"""Telling the runs of preempted workers to stop at their next checkpoint."""

from django.db import transaction

from experiments.models import Run
from experiments.services.lifecycle import run_ask_to_stop
from experiments.states import RUN_LEASED, StopReason
from runners.selectors.allocations import subjects_preempted

PREEMPTING = "It makes room for one of higher priority: it goes back to the queue at its next checkpoint."


def runs_preempt() -> None:
    """Ask each once; safe to repeat. What ends by itself first is fine too."""
    unasked = Run.objects.filter(pk__in=subjects_preempted(), state__in=RUN_LEASED, stop_reason="")
    for pk in list(unasked.values_list("pk", flat=True)):
        with transaction.atomic():
            run = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)
            if run.state in RUN_LEASED:
                run_ask_to_stop(run, StopReason.PREEMPTED, PREEMPTING)
