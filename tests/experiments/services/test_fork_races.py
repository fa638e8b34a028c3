"""A fork and the deletion of checkpoints at the same moment: a fork never loses where it begins."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from experiments.models import Run
from experiments.services import forking, retention
from experiments.services.forking import run_fork
from experiments.services.retention import checkpoints_thin_out
from mlplatform.kernel.errors import NotFound
from tests.experiments.conftest import Finish

pytestmark = pytest.mark.django_db(transaction=True)
LONG_ENOUGH_TO_COMMIT_S = 0.5

Meanwhile = Callable[[Any, str, Callable[[], Any]], Callable[[], Any]]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    """When a transaction has called `module.name`, another connection makes the call; what is returned awaits it."""

    def start(module: Any, name: str, call: Callable[[], Any]) -> Callable[[], Any]:
        really, others = getattr(module, name), list[Future[Any]]()

        def on_another_connection() -> Any:
            try:
                return call()
            finally:
                connection.close()

        def interrupted(*args: Any, **more: Any) -> Any:
            result = really(*args, **more)
            others.append(pool.submit(on_another_connection))
            wait(others, LONG_ENOUGH_TO_COMMIT_S)
            return result

        monkeypatch.setattr(module, name, interrupted)
        return lambda: others[0].result(10)

    with ThreadPoolExecutor(1) as pool:
        yield start


def test_a_checkpoint_that_is_being_deleted_is_not_forked(
    owner: User, finish: Finish, meanwhile: Meanwhile
) -> None:
    run = finish(1, accuracy=(0.1, 0.5, 0.9))
    old = run.checkpoints.get(step=1)
    fork = meanwhile(retention, "expendable", lambda: run_fork(user=owner, run=run, checkpoint=old.pk))
    assert checkpoints_thin_out(run.id) == 2
    with pytest.raises(NotFound, match="deleted by its policy"):
        fork()
    assert Run.objects.count() == 2


def test_a_checkpoint_that_is_being_forked_is_not_deleted(
    owner: User, finish: Finish, meanwhile: Meanwhile
) -> None:
    run = finish(1, accuracy=(0.1, 0.5, 0.9))
    old = run.checkpoints.get(step=1)
    deleted = meanwhile(forking, "sets_add", lambda: checkpoints_thin_out(run.id))
    fork = run_fork(user=owner, run=run, checkpoint=old.pk)
    assert deleted() == 1
    fork.refresh_from_db()
    assert fork.start_checkpoint == old
