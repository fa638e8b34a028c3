import re
import uuid
from typing import Any

import pytest

from accounts.models import Project, User
from accounts.services.projects import project_create
from experiments.definition import Definition
from experiments.models import Attempt, Bundle, Experiment, Run
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create, runs_add
from mlplatform.kernel import storage
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.fixtures import CODE
from tests.points import report

PLACE = "/p/vision/compare/"


@pytest.fixture
def other(owner: User, project: Project) -> Experiment:
    """Of the same project, with other code and another parameter."""
    content = CODE.replace(b"epoch)", b"epoch, flush=True)") + b"\nEXTRA = 1\n"
    bundle = bundle_from_upload(user=owner, project=project, filename="train.py", content=content)
    definition = Definition(name="other", entrypoint="train:train", objective_metric="accuracy")
    return experiment_create(
        user=owner,
        project=project,
        bundle=bundle,
        definition=definition,
        param_sets=[{"lr": 0.1, "epochs": 7}],
    )


def ids(*experiments: Experiment) -> list[str]:
    return [str(run.pk) for each in experiments for run in each.runs.order_by("number")]


def text(browser: Browser, user: User, runs: list[str], **more: Any) -> str:
    return browser(user).get(PLACE, {"run": runs, **more}).content.decode()


def cells(page: str, row: str) -> list[str]:
    """What a line of a table says, tags left out."""
    found = re.search(
        rf'<th scope="row">{row}(?: <span[^>]*>differs</span>)?</th>(.*?)</tr>', page, re.DOTALL
    )
    assert found is not None
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", found[1], re.DOTALL)]


def test_two_runs_beside_each_other(
    browser: Browser, viewer: User, experiment: Experiment, finish: Finish
) -> None:
    finish(1, accuracy=(0.5, 0.9))
    report(finish(2, accuracy=(0.5, 0.7)), [1], [2.0], name="loss")
    page = text(browser, viewer, ids(experiment))
    assert cells(page, "Max") == ["best 0.9", "0.7"]
    assert cells(page, "Last") == ["0.9", "0.7"]
    assert cells(page, "lr") == ["0.1", "0.2"]
    assert cells(page, "epochs") == ["3", "3"]
    assert '<span class="badge">objective</span>' in page
    assert "run-color-1 run-turn-0" in page
    assert "run-color-2 run-turn-0" in page
    assert "All of them execute" in page
    assert f'data-live="experiment/{experiment.pk}"' in page
    assert "data-chart-every" not in page
    assert f'data-series-url="{PLACE}series/?run=' in page
    assert cells(page, "PyTorch") == ["2.13.0", "2.13.0"]
    assert cells(page, "Ray") == ["–", "–"]


def test_only_what_differs(browser: Browser, owner: User, experiment: Experiment) -> None:
    page = text(browser, owner, ids(experiment), differing="1")
    assert cells(page, "lr") == ["0.1", "0.2"]
    assert '<th scope="row">epochs' not in page
    assert "1 more is the same in all of them." in page
    # Every link keeps it.
    assert page.count("differing=1") >= 3
    assert 'name="differing" value="1"' in page


def test_of_several_experiments(
    browser: Browser, owner: User, experiment: Experiment, other: Experiment, project: Project
) -> None:
    runs = ids(experiment, other)
    page = text(browser, owner, runs)
    assert f'data-live="project/{project.pk}"' in page
    assert 'hx-trigger="live, every 15s"' in page
    assert 'data-chart-every="15"' in page
    assert cells(page, "epochs") == ["3", "3", "7"]
    # The first of each would look alike.
    assert re.findall(r'<td><a href="[^"]*"><span class="run-dot ([^"]*)"', page) == [
        "run-color-1 run-turn-0", "run-color-2 run-turn-0", "run-color-3 run-turn-0",
    ]  # fmt: skip
    assert "1 file differs from train" in page
    assert '<span class="diff-line diff-removed">-        print(config[&quot;lr&quot;], epoch)' in page
    assert '<span class="diff-line diff-added">+EXTRA = 1' in page
    storage.write(Bundle.objects.get(experiments=other).key, b"no zip")
    assert "is damaged in the storage" in text(browser, owner, runs)


def test_packages_that_differ(browser: Browser, owner: User, experiment: Experiment) -> None:
    installed = [["numpy==1.0", "six==1"], ["numpy==2.0", "six==1", "einops @ file:///x"]]
    for run, packages in zip(experiment.runs.order_by("number"), installed, strict=True):
        told = {"python": "3.11", "ray": f"2.{run.number}", "gpus": ["A", "B"] if run.number == 1 else []}
        made = Allocation.objects.create(
            owner_id=experiment.pk, backend="local", workers=1, cpus_per_worker=1, gpus_per_worker=0,
            environment={"packages": packages, **told},
        )  # fmt: skip
        for number in (1, 2):
            Attempt.objects.create(
                run=run, number=number, allocation_id=made.pk if number == 2 else uuid.uuid4(), fence=number,
                started_at=run.created_at, environment=told if number == 2 else {"ray": "0"},
            )  # fmt: skip
    page = text(browser, owner, ids(experiment))
    assert cells(page, "Ray") == ["2.1", "2.2"]
    assert cells(page, "GPUs") == ["A, B", "–"]
    assert cells(page, "numpy") == ["1.0", "2.0"]
    assert cells(page, "einops") == ["–", "file:///x"]
    assert '<th scope="row">six' not in page
    assert "1 other package is the same in all of them." in page


def test_which_runs(
    browser: Browser, owner: User, stranger: User, experiment: Experiment, project: Project
) -> None:
    both = ids(experiment)
    assert browser(stranger).get(PLACE, {"run": both}).status_code == 404
    assert browser(stranger).get(f"{PLACE}series/", {"run": both}).status_code == 404
    assert browser(None).get(PLACE)["Location"].startswith("/accounts/login/")
    client = browser(owner)
    for few in ([], both[:1], [both[0], both[0]]):
        page = client.get(PLACE, {"run": few}).content.decode()
        assert "A comparison needs two runs or more" in page
        assert "data-chart" not in page
    assert client.get(PLACE, {"run": [*both, "7"]}).status_code == 400
    answer = client.get(PLACE, {"run": [*both, str(uuid.uuid4())]})
    assert answer.status_code == 404
    assert "Runs of one project can be compared." in answer.content.decode()
    # Not even their owner mixes projects.
    elsewhere = project_create(user=owner, name="Elsewhere")
    assert client.get(f"/p/{elsewhere.slug}/compare/", {"run": both}).status_code == 404
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": n / 100} for n in range(1, 20)])
    answer = client.get(PLACE, {"run": ids(experiment)})
    assert answer.status_code == 400
    assert "At most 20 runs can be compared; this address has 21." in answer.content.decode()


def test_one_more_and_one_less(
    browser: Browser, owner: User, experiment: Experiment, other: Experiment
) -> None:
    client, both, (third,) = browser(owner), ids(experiment), ids(other)
    answer = client.get(PLACE, {"run": both, "add": "1", "of": "other", "differing": "1"})
    assert answer["Location"] == f"{PLACE}?run={both[0]}&run={both[1]}&run={third}&differing=1"
    for number, of, words in [
        ("9", "other", "other has no run #9."),
        ("1", "sweep", "is there already"),
        ("x", "sweep", "Write the number"),
    ]:
        answer = client.get(PLACE, {"run": both, "add": number, "of": of})
        assert answer.status_code == 400
        assert words in answer.content.decode()
    page = text(browser, owner, both)
    assert f'href="?run={both[1]}" aria-label="Remove #1 from the comparison"' in page
    assert '<option value="other">other</option>' in page


def test_the_curves(
    browser: Browser, owner: User, experiment: Experiment, other: Experiment, finish: Finish
) -> None:
    report(finish(2, accuracy=(0.5, 0.7)), [1], [2.0], name="loss")
    report(Run.objects.get(experiment=other), [1, 2], [0.1, 0.2])
    runs = ids(experiment, other)
    client = browser(owner)
    body = client.get(f"{PLACE}series/", {"run": runs}).json()
    assert (body["metric"], body["metrics"]) == ("accuracy", ["accuracy", "loss"])
    assert [(run["label"], run["look"], run["set"], run["values"]) for run in body["runs"]] == [
        ("other #1", 3, "1 of other", [0.1, 0.2]),
        ("sweep #2", 2, "2 of sweep", [0.5, 0.7]),
    ]
    of_one = client.get(f"{PLACE}series/", {"run": runs[:2], "metric": "loss"}).json()
    assert [(run["look"], run["set"], "label" in run) for run in of_one["runs"]] == [(2, 2, False)]


def test_from_the_runs_table(
    browser: Browser, viewer: User, stranger: User, experiment: Experiment, place: str
) -> None:
    client, both = browser(viewer), ids(experiment)
    page = client.get(place).content.decode()
    assert 'value="compare"' in page
    assert 'value="cancel"' not in page
    answer = client.post(f"{place}runs/", {"action": "compare", "run": ["2", "1"]})
    assert answer["Location"] == f"{PLACE}?run={both[0]}&run={both[1]}"
    page = client.post(f"{place}runs/", {"action": "compare", "run": ["1"]}, follow=True).content.decode()
    assert "Select 2 to 20 runs to compare them." in page
    assert browser(stranger).post(f"{place}runs/", {"action": "compare", "run": ["1"]}).status_code == 404


def test_fragment(browser: Browser, owner: User, experiment: Experiment) -> None:
    answer = browser(owner).get(PLACE, {"run": ids(experiment)}, headers={"HX-Request": "true"})
    page = answer.content.decode().strip()
    assert page.startswith('<div id="comparison"')
    assert "data-chart" not in page


def test_query_count_does_not_grow_with_runs(
    *,
    browser: Browser,
    owner: User,
    experiment: Experiment,
    finish: Finish,
    django_assert_max_num_queries: Any,
) -> None:
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": n / 100} for n in range(1, 19)])
    for number in (1, 2, 3, 4):
        finish(number)
    client = browser(owner)
    for runs in (ids(experiment)[:2], ids(experiment)):
        with django_assert_max_num_queries(13):
            assert client.get(PLACE, {"run": runs}).status_code == 200
