from collections.abc import Callable
from datetime import timedelta
from typing import Any

from accounts.models import User
from experiments.models import Experiment
from experiments.selectors.overview import SETTLED_AFTER, run_counts
from experiments.services.control import run_cancel

MORE = SETTLED_AFTER + timedelta(seconds=1)


def test_runs_are_counted_again_only_after_an_event(
    owner: User, experiment: Experiment, wait: Callable[[timedelta], None], django_assert_num_queries: Any
) -> None:
    assert run_counts(experiment).states == {"queued": 2}
    # Not kept yet: who is about to add an event may have a smaller number than the newest one.
    with django_assert_num_queries(3):
        run_counts(experiment)
    wait(MORE)
    run_counts(experiment)
    with django_assert_num_queries(2):
        assert run_counts(experiment).states == {"queued": 2}
    run = experiment.runs.get(number=1)
    run_cancel(user=owner, run=run)
    assert run_counts(experiment).states == {"queued": 1, "canceled": 1}
    wait(MORE)
    assert run_counts(experiment).states == {"queued": 1, "canceled": 1}
