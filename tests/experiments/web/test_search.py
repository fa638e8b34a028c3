"""New experiment, step 2: searches, their preview, and clones."""

from typing import Any

import pytest

from accounts.models import Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Experiment
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from mlplatform.kernel.archive import pack
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_launch import SETTINGS
from tests.fixtures import CODE, DECLARATION

RANDOM = SETTINGS | {
    "method": "random",
    "runs": "6",
    "repeat": "2",
    "seed": "7",
    "p-lr": "0.001..0.1 log",
    "p-epochs": "2..6 step 2",
    "p-optimizer": ["adam", "sgd"],
    "p-momentum": "..",
}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def path(typed_bundle: Bundle) -> str:
    return f"/p/vision/new/{typed_bundle.pk}/"


def test_a_search_from_the_form(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    done = client.post(
        path, RANDOM | {"pruner": "asha", "reduction": "2", "max_hours": "4", "target": "0.99"}
    )
    experiment = Experiment.objects.get()
    assert done["Location"] == experiment.get_absolute_url()
    assert experiment.search["method"] == "random"
    assert (experiment.search["runs"], experiment.search["repeat"], experiment.search["seed"]) == (6, 2, 7)
    assert experiment.search["space"]["lr"] == {"min": 0.001, "max": 0.1, "log": True}
    assert experiment.search["space"]["optimizer"] == ["adam", "sgd"]
    assert experiment.search["pruner"] == {"method": "asha", "min_steps": 1, "reduction": 2}
    assert (experiment.max_seconds, experiment.target) == (4 * 3600, 0.99)
    assert experiment.runs.count() == 12
    assert {run.params["epochs"] for run in experiment.runs.all()} <= {2, 4, 6}
    assert all(
        ("momentum" in run.params) == (run.params["optimizer"] == "sgd") for run in experiment.runs.all()
    )
    assert "launched with 12 runs." in client.get(done["Location"]).content.decode()


def test_what_is_in_hidden_fields_does_no_harm(browser: Browser, owner: User, path: str) -> None:
    given = SETTINGS | {
        "method": "grid",
        "runs": "40",
        "pruner": "none",
        "reduction": "9",
        "p-lr": "0.1, 0.2",
    }
    browser(owner).post(path, given | {"p-momentum": "0.5"})
    experiment = Experiment.objects.get()
    assert "runs" not in experiment.search
    assert "pruner" not in experiment.search
    assert [run.params for run in experiment.runs.all()] == [
        {"lr": 0.1, "epochs": 3, "optimizer": "adam"},
        {"lr": 0.2, "epochs": 3, "optimizer": "adam"},
    ]


def test_preview_creates_nothing_and_shows_the_sets(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    page = client.post(path, RANDOM | {"preview": "1", "pruner": "asha"}).content.decode()
    assert "6 sets × 2 seeds = 12 runs" in page
    assert "<html" in page
    assert 'value="0.001..0.1 log"' in page
    assert "and 1 more." in page
    assert "no such run has finished here" in page
    assert "at report 1</span>" in page
    assert not Experiment.objects.exists()
    client.post(path, RANDOM)
    first = Experiment.objects.get().runs.get(number=1).params
    assert f"{first['lr']:.4g}" in page


def test_preview_as_a_fragment(browser: Browser, owner: User, path: str) -> None:
    response = browser(owner).post(path, RANDOM | {"preview": "1"}, headers=HTMX)
    page = response.content.decode().strip()
    assert page.startswith('<form id="new-form"')
    assert "12 runs" in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runs": ""}, "Say how many sets may be tried."),
        ({"p-lr": "0.1..x"}, "write a range such as 0.001..0.1"),
        ({"p-lr": "0.1..5"}, "lr.max is 5; the largest allowed value is 1"),
        ({"p-lr": "1e-8..1"}, "lr.min is 1e-08; the smallest allowed value is 1e-05"),
        ({"p-lr": "0.1", "p-epochs": "3", "p-optimizer": "adam"}, "The search space has nothing to search"),
        (
            {"method": "grid"},
            "lr is a range of any number, which a grid cannot list; add a step or list values",
        ),
        ({"method": "cmaes", "p-lr": "0.1", "p-epochs": "3"}, "CMA-ES moves only those"),
        ({"method": "tpe", "objective_metric": ""}, "name the metric that your code reports"),
        ({"pruner": "asha", "reduction": "1"}, "greater than or equal to 2"),
        ({"repeat": "21"}, "less than or equal to 20"),
        ({"max_hours": "0"}, "greater than or equal to 0.001"),
        ({"objective_metric": "", "target": "1"}, "A target needs a metric that decides"),
        ({"workers": "60"}, "could never start"),
        ({"memory_per_worker": "99999"}, "less than or equal to 16384"),
    ],
)
def test_errors_are_said_at_preview_and_at_launch(
    *, browser: Browser, owner: User, path: str, changes: dict[str, Any], message: str
) -> None:
    for more in ({}, {"preview": "1"}):
        response = browser(owner).post(path, RANDOM | changes | more)
        assert response.status_code == 400
        assert message in response.content.decode().replace("&#x27;", "'")
    assert not Experiment.objects.exists()


def test_a_clone_begins_with_the_search(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    client.post(
        path, RANDOM | {"pruner": "median", "warmup_steps": "2", "target": "0.123456", "keep_best": "3"}
    )
    page = client.get(f"{path}?from=sweep").content.decode()
    assert 'name="name" value="sweep copy"' in page
    assert 'name="p-lr" value="0.001..0.1 log"' in page
    assert 'name="p-epochs" value="2..6 step 2"' in page
    assert 'name="target" value="0.123456"' in page
    assert 'name="warmup_steps" value="2"' in page
    assert 'name="keep_best" value="3"' in page
    assert 'value="random" class="form-selectgroup-input" id="id_method_1" checked' in page
    client.post(f"{path}?from=sweep", RANDOM | {"name": "again"})
    first, second = Experiment.objects.order_by("created_at")
    assert second.cloned_from == first
    assert [run.params for run in second.runs.all()] == [run.params for run in first.runs.all()]


def test_the_form_begins_with_what_the_code_declares(browser: Browser, owner: User, project: Project) -> None:
    declared = (
        DECLARATION
        + b"""
search:
  {method: tpe, runs: 30, repeat: 3, space: {lr: {min: 0.001, max: 0.1}, optimizer: [adam, sgd], epochs: 9},
   pruner: {method: median, warmup_steps: 4}}
budget: {max_parallel: 2, max_hours: 4, target: 0.99}
checkpoints: {keep_last: 2, keep_every: 10}
"""
    )
    declared += b"runs: [{lr: 0.5}, {lr: 0.25, epochs: 2}]\nfresh_process: true\n"
    declared = declared.replace(b"max_hours: 4", b"max_hours: 4, max_retries: 2")
    files = {"train.py": CODE, "experiment.yaml": declared}
    bundle = bundle_from_upload(user=owner, project=project, filename="own.zip", content=pack(files))
    page = browser(owner).get(f"/p/vision/new/{bundle.pk}/").content.decode()
    for name, value in (
        ("runs", "30"), ("repeat", "3"), ("warmup_steps", "4"), ("max_parallel", "2"), ("max_hours", "4"),
        ("target", "0.99"), ("keep_last", "2"), ("keep_every", "10"), ("p-lr", "0.001..0.1 log"), ("p-epochs", "9"),
        ("max_retries", "2"),
    ):  # fmt: skip
        assert f'name="{name}" value="{value}"' in page, name
    assert 'value="tpe" class="form-selectgroup-input" id="id_method_2" checked' in page
    assert '<option value="median" selected>' in page
    assert "&nbsp;96&nbsp;runs" in page
    assert "lr,epochs,optimizer\n0.5,3,adam\n0.25,2,adam\n" in page
    checkbox = page.partition('name="fresh_process"')[2].partition(">")[0]
    assert "checked" in checkbox


def listed(owner: User, project: Project, bundle: Bundle, sets: list[dict[str, Any]]) -> Experiment:
    definition = Definition(name="listed", entrypoint="train:train")
    return experiment_create(
        user=owner, project=project, bundle=bundle, definition=definition, param_sets=sets
    )


def test_a_clone_of_listed_runs(
    browser: Browser, owner: User, project: Project, typed_bundle: Bundle, path: str
) -> None:
    listed(owner, project, typed_bundle, [{"lr": lr, "epochs": n} for lr in (0.1, 0.2) for n in (1, 2)])
    listed(owner, project, typed_bundle, [{"lr": 0.1, "epochs": 1}, {"lr": 0.2, "epochs": 2}])
    grid = browser(owner).get(f"{path}?from=listed").content.decode()
    assert 'value="0.1, 0.2"' in grid
    client = browser(owner)
    other = client.get(f"{path}?from=listed-2").content.decode()
    assert 'value="list" class="form-selectgroup-input" id="id_method_5" checked' in other
    table = "lr,epochs,optimizer\n0.1,1,adam\n0.2,2,adam\n"
    assert table in other
    assert "&nbsp;2&nbsp;runs" in other
    client.post(
        f"{path}?from=listed-2", SETTINGS | {"name": "again", "method": "list", "sets": table, "p-lr": "x"}
    )
    assert params_of("again") == params_of("listed-2")


def params_of(slug: str) -> list[dict[str, Any]]:
    return list(Experiment.objects.get(slug=slug).runs.order_by("number").values_list("params", flat=True))


def test_sets_of_ones_own(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    table = "lr, optimizer, momentum\r\n0.1, sgd, 0.5\r\n0.2\r\n"
    given = SETTINGS | {"method": "list", "sets": table, "repeat": "2"}
    page = client.post(path, given | {"preview": "1"}).content.decode()
    assert "2 sets × 2 seeds = 4 runs" in page
    done = client.post(path, given)
    assert "launched with 4 runs." in client.get(done["Location"]).content.decode()
    sets = [
        {"lr": 0.1, "epochs": 3, "optimizer": "sgd", "momentum": 0.5},
        {"lr": 0.2, "epochs": 3, "optimizer": "adam"},
    ]
    assert params_of("sweep") == [params for params in sets for _ in range(2)]
    done = client.post(path, RANDOM | {"name": "both", "sets": table, "fresh_process": "on"})
    assert "launched with 16 runs." in client.get(done["Location"]).content.decode()
    both = Experiment.objects.get(slug="both")
    assert (both.fresh_process, Experiment.objects.get(slug="sweep").fresh_process) == (True, False)
    assert [run.searched for run in both.runs.order_by("number")] == [False] * 4 + [True] * 12


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "List at least one set."),
        ("lr, epochs", "write a line of values for each set below"),
        ("lr, lr\n1, 2", "it must name each parameter once"),
        ("lr\n1, 2", "Set 1 has 2 values for 1 parameters."),
        ("speed\n1", "Set 1: There is no parameter speed"),
        ("lr\n0.1\n5", "Set 2: Parameter lr is 5"),
        ("momentum\n0.5", "applies only when optimizer is sgd"),
        ("lr\n" + "0.1\n" * 1001, "1001 sets; at most 1000"),
    ],
)
def test_a_bad_list_is_said_at_its_field(
    browser: Browser, owner: User, path: str, table: str, message: str
) -> None:
    for more in ({}, {"preview": "1"}):
        response = browser(owner).post(path, SETTINGS | {"method": "list", "sets": table} | more)
        assert response.status_code == 400
        assert message in response.content.decode().partition('id="id_sets_error"')[2]
    assert not Experiment.objects.exists()


def test_a_clone_of_what_one_may_not_see(browser: Browser, owner: User, path: str, stranger: User) -> None:
    assert browser(owner).get(f"{path}?from=nothing").status_code == 404
    assert browser(stranger).get(f"{path}?from=sweep").status_code == 404


def test_hyperband_has_to_know_how_long_a_run_is(
    browser: Browser, owner: User, typed_bundle: Bundle, path: str
) -> None:
    client, given = browser(owner), RANDOM | {"pruner": "hyperband", "p-epochs": "9"}
    assert "at report 9</span>" in client.post(path, given | {"preview": "1"}).content.decode()
    typed_bundle.manifest["progress"] = ""
    typed_bundle.save()
    for more in ({"preview": "1"}, {}):
        response = client.post(path, given | more)
        assert response.status_code == 400
        assert "name a parameter or a number as progress" in response.content.decode()
    assert not Experiment.objects.exists()
