"""Archiving a project in which something goes on, and starting something in one that is being archived."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Experiment, Run
from experiments.services.closing import project_close
from experiments.services.control import experiment_cancel, run_retry
from experiments.services.launch import experiment_create, runs_add
from mlplatform.kernel.errors import Conflict


def test_a_project_in_which_something_goes_on_stays_open(
    owner: User, experiment: Experiment, project: Project
) -> None:
    with pytest.raises(Conflict, match=r"not over: sweep\. Let them finish or cancel them") as caught:
        project_close(user=owner, project=project)
    assert caught.value.details == {"experiments": ["sweep"]}
    project.refresh_from_db()
    assert project.archived_at is None
    experiment_cancel(user=owner, experiment=experiment)
    assert project_close(user=owner, project=project).archived_at is not None


def test_nothing_is_added_to_an_archived_project(
    owner: User, experiment: Experiment, project: Project, bundle: Bundle
) -> None:
    experiment_cancel(user=owner, experiment=experiment)
    stale = Experiment.objects.select_related("project").get()
    project_close(user=owner, project=project)
    run = Run.objects.select_related("experiment__project").first()
    assert run is not None
    for begun in (project, Project.objects.get()):
        # The first was read before it was archived.
        with pytest.raises(Conflict, match="archived"):
            experiment_create(
                user=owner,
                project=begun,
                bundle=bundle,
                definition=Definition(name="late", entrypoint="train:train"),
                param_sets=[{"lr": 0.1}],
            )
    with pytest.raises(Conflict, match="archived"):
        runs_add(user=owner, experiment=stale, param_sets=[{"lr": 0.3}])
    with pytest.raises(Conflict, match="archived"):
        run_retry(user=owner, run=run)
    assert Experiment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_launch_that_is_under_way_is_seen(owner: User, project: Project, bundle: Bundle) -> None:
    """Somebody archives while an experiment is made but not committed."""
    made, go_on = threading.Event(), threading.Event()

    def launch() -> None:
        try:
            with transaction.atomic():
                experiment_create(
                    user=owner,
                    project=project,
                    bundle=bundle,
                    definition=Definition(name="first", entrypoint="train:train"),
                    param_sets=[{"lr": 0.1}],
                )
                made.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    def archive() -> str:
        try:
            project_close(user=owner, project=project)
        except Conflict as error:
            return error.message
        else:
            return "archived"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        launched = pool.submit(launch)
        assert made.wait(20)
        archived = pool.submit(archive)
        threading.Timer(0.5, go_on.set).start()
        launched.result(30)
        assert "first" in archived.result(30)
