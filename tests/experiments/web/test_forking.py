from datetime import timedelta

import pytest

from accounts.models import User
from experiments.models import Attempt, Checkpoint, Experiment, Run
from experiments.services import lifecycle
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser


def test_fork_of_a_checkpoint(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    run = finish(1)
    first, last = Checkpoint.objects.order_by("step")
    client = browser(owner)
    page = client.get(f"{place}r/1/").content.decode()
    assert f'id="checkpoint-{first.pk}"' in page
    assert '<span class="badge">newest</span> <span class="badge">best</span>' in page
    assert f"fork/?checkpoint={first.pk}" in page
    page = client.get(f"{place}r/1/fork/?checkpoint={first.pk}").content.decode()
    assert f'<option value="{first.pk}" selected>step 1 of 3, 0.5 (kept)</option>' in page
    assert "step 2 of 3, 0.9 (newest, best)" in page
    assert 'name="p-lr" value="0.1"' in page
    done = client.post(
        f"{place}r/1/fork/", {"checkpoint": first.pk, "p-lr": "0.5", "p-epochs": "4"}, follow=True
    )
    fork = Run.objects.get(number=3)
    assert (fork.parent, fork.start_checkpoint, fork.params) == (run, first, {"lr": 0.5, "epochs": 4})
    page = done.content.decode()
    assert "Run #3 begins where run #1 was." in page
    assert "Begins at step 1 of" in page
    page = client.get(f"{place}r/1/").content.decode()
    assert "Forked as" in page
    assert '<span class="badge">in use</span>' in page
    assert last.pk != first.pk


def test_a_fork_begins_where_the_run_would_resume_unless_one_says_otherwise(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1)
    sound, spoiled = Checkpoint.objects.order_by("step")
    Checkpoint.objects.filter(pk=spoiled.pk).update(metrics={"accuracy": "nan"})
    page = browser(owner).get(f"{place}r/1/fork/").content.decode()
    assert f'<option value="{sound.pk}" selected>' in page
    assert page.count(" selected>step") == 1


def test_fork_says_what_is_wrong(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    finish(1)
    checkpoint = Checkpoint.objects.latest("step").pk
    client = browser(owner)
    for sent, words in (
        ({"checkpoint": checkpoint, "p-lr": "0.1, 0.2"}, "A fork is one run, so this needs one value."),
        ({"checkpoint": checkpoint, "p-lr": "1..2"}, "A fork is one run, so this needs one value."),
        ({"checkpoint": checkpoint, "p-lr": "0.1", "p-epochs": "x"}, "Parameter epochs is"),
        ({"checkpoint": 0, "p-lr": "0.1"}, "Select a valid choice."),
    ):
        response = client.post(f"{place}r/1/fork/", sent)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert Run.objects.count() == 2


def test_fork_says_beforehand_that_it_would_have_nothing_to_do(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1, accuracy=(0.5, 0.7, 0.9))
    first, *_, last = Checkpoint.objects.order_by("step")
    client, words = browser(owner), "begin at an earlier checkpoint, or set epochs above 3."
    assert words in client.get(f"{place}r/1/fork/").content.decode()
    assert "nothing to do" not in client.get(f"{place}r/1/fork/?checkpoint={first.pk}").content.decode()
    sent = {"checkpoint": last.pk, "p-lr": "0.1", "p-epochs": "3"}
    refused = client.post(f"{place}r/1/fork/", sent)
    assert refused.status_code == 400
    assert words in refused.content.decode().partition('id="id_checkpoint_error"')[2]
    assert client.post(f"{place}r/1/fork/", sent | {"p-epochs": "4"}).status_code == 302


def test_fork_without_a_checkpoint(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    assert "/fork/" not in client.get(f"{place}r/1/").content.decode()
    assert "No checkpoint to begin at" in client.get(f"{place}r/1/fork/").content.decode()
    assert client.post(f"{place}r/1/fork/", {"p-lr": "1"}).status_code == 400


def test_train_further(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    finish(1)
    client = browser(owner)
    assert "Train further" in client.get(f"{place}r/1/").content.decode()
    page = client.get(f"{place}r/1/continue/").content.decode()
    assert "It has made 3 reports." in page
    assert client.post(f"{place}r/1/continue/", {"more": "0"}).status_code == 400
    page = client.post(f"{place}r/1/continue/", {"more": "2"}, follow=True).content.decode()
    assert "Run #3 goes on where run #1 ended." in page
    assert Run.objects.get(number=3).params == {"lr": 0.1, "epochs": 5}


def test_not_every_run_can_be_trained_further(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1)
    Experiment.objects.update(progress="")
    client = browser(owner)
    assert "Train further" not in client.get(f"{place}r/1/").content.decode()
    page = client.post(f"{place}r/1/continue/", {"more": "2"}, follow=True).content.decode()
    assert "name it as `progress` in experiment.yaml" in page


def test_pruned_run_says_why(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    run = finish(1, "pruned")
    lifecycle.event(run, "stop_requested", "Pruned: at step 3 it does worse than others did.")
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert "It was stopped early" in page
    assert "Pruned: at step 3" in page
    assert "card-ended" in page
    assert "card-failure" not in page


@pytest.mark.parametrize("code", ["budget_time", "target_reached"])
def test_what_the_budget_ended_is_no_failure(
    browser: Browser, owner: User, finish: Finish, place: str, code: str
) -> None:
    run = finish(1, "canceled")
    Run.objects.filter(pk=run.pk).update(cause_code=code, cause_message="Over.")
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert "card-ended" in page
    assert "What to do next:" in page


def test_a_run_that_backs_off_says_until_when(browser: Browser, owner: User, place: str) -> None:
    later = clock.now() + timedelta(seconds=50)
    Run.objects.filter(number=1).update(not_before=later, losses=2)
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert "Its workers died 2 times in a row; tried again" in page
    assert f'datetime="{later:%Y-%m-%dT%H:%M:%S}' in page
    Run.objects.filter(number=1).update(not_before=clock.now() - timedelta(seconds=1))
    assert "tried again" not in browser(owner).get(f"{place}r/1/").content.decode()


def test_provenance_of_an_attempt(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    run = finish(1)
    bundle = run.experiment.bundle
    bundle.source = {"kind": "git", "url": "https://example.org/code.git", "commit": "c0ffee"}
    bundle.requirements = ["einops==0.8"]
    bundle.save()
    environment = {"torch": "2.13.0", "threads": 2, "gpus": [], "packages": {"numpy": "2.1"}, "host_id": None}
    Attempt.objects.update(environment=environment)
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert bundle.sha256 in page
    assert "c0ffee of https://example.org/code.git" in page
    assert "<dt>Requirements</dt><dd>einops==0.8</dd>" in page
    assert "<dt>Threads</dt><dd>2</dd>" in page
    assert "<dt>Packages</dt><dd>numpy 2.1</dd>" in page
    assert "GPUs" not in page
    assert "Host id" not in page
    assert f'href="{place}r/1/packages/1/"' in page


def test_packages_of_an_attempt(
    browser: Browser, owner: User, finish: Finish, place: str, stranger: User
) -> None:
    finish(1)
    client, url = browser(owner), f"{place}r/1/packages/1/"
    assert client.get(url).content.decode().startswith("# The workers did not tell")
    allocation = Allocation.objects.create(
        owner_id=Experiment.objects.get().id,
        backend="local",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="x",
        environment={"packages": ["numpy==2.1", "torch==2.13.0"]},
    )
    Attempt.objects.update(allocation_id=allocation.pk)
    response = client.get(url)
    assert response["Content-Type"].startswith("text/plain")
    assert response.content == b"numpy==2.1\ntorch==2.13.0\n"
    assert client.get(f"{place}r/1/packages/2/").status_code == 404
    assert browser(stranger).get(url).status_code == 404
