"""New experiment as text and as a form: the same thing, both ways."""

import re
from html import unescape
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given

from accounts.models import User
from experiments.definition import Definition, read_yaml
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment
from experiments.services.bundles import bundle_from_upload
from experiments.web.launch_forms import LaunchForms
from mlplatform.kernel.archive import pack
from tests.experiments.definitions import CODE, DEFINITIONS
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_launch import SETTINGS
from tests.experiments.web.test_search import RANDOM
from tests.fixtures import CODE as TRAIN

HTMX = {"HX-Request": "true"}


def sent(forms: LaunchForms) -> QueryDict:
    """What a browser sends of the forms as they are shown."""
    data = QueryDict(mutable=True)
    for form in forms.all:
        for field in form:
            value = field.value()
            if value is None or value is False or field.field.disabled:
                continue
            values = value if isinstance(value, list) else ["on" if value is True else value]
            data.setlist(field.html_name, [str(each) for each in values])
    return data


def said(definition: Definition, data: QueryDict | None = None) -> Definition:
    """What the form says that begins with a definition."""
    shown = LaunchForms(CODE.parameters, definition)
    forms = LaunchForms(CODE.parameters, definition, data or sent(shown))
    assert forms.is_valid(), [form.errors for form in forms]
    return forms.definition()


@given(DEFINITIONS)
def test_form_to_yaml_to_form_is_the_same_definition(definition: Definition) -> None:
    before = said(definition)
    text = before.manifest(CODE).to_yaml()
    after = said(read_yaml(text, CODE)[0])
    assert after == before
    assert after.manifest(CODE).to_yaml() == text


def text_of(page: str) -> str:
    found = re.search(r'<textarea name="yaml"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return unescape(found[1])


@pytest.fixture
def path(typed_bundle: Bundle) -> str:
    return f"/p/vision/new/{typed_bundle.pk}/"


def test_the_filled_form_as_yaml_and_back(
    browser: Browser, owner: User, path: str, typed_bundle: Bundle
) -> None:
    client = browser(owner)
    filled = RANDOM | {"description": "Which rate?", "max_hours": "2", "sets": "lr\n0.5"}
    page = client.post(path, filled | {"view": "yaml"}).content.decode()
    assert "<html" in page
    text = text_of(page)
    definition, sets = read_yaml(text, Manifest.from_json(typed_bundle.manifest))
    assert (definition.name, definition.description, definition.max_hours) == ("sweep", "Which rate?", 2)
    assert definition.search["space"]["lr"] == {"min": 0.001, "max": 0.1, "log": True}
    assert sets == [{"lr": 0.5, "epochs": 3, "optimizer": "adam"}]
    assert "7 sets × 2 seeds = 14 runs" in page
    edited = text.replace("runs: 6", "runs: 9").replace("name: sweep", "name: wider")
    form = client.post(path, {"yaml": edited, "view": "form"}, headers=HTMX).content.decode()
    assert "<html" not in form
    assert 'name="name" value="wider"' in form
    assert 'name="runs" value="9"' in form
    assert 'value="0.001..0.1 log"' in form
    assert "Which rate?</textarea>" in form
    assert not Experiment.objects.exists()


def test_yaml_can_be_checked_and_launched(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    text = "search: {method: grid, space: {lr: [0.1, 0.2]}}\nbudget: {max_parallel: 2}\n"
    page = client.post(path, {"yaml": text, "preview": "1"}).content.decode()
    assert "<strong>2 runs</strong>" in page
    assert text_of(page) == text
    done = client.post(path, {"yaml": text})
    experiment = Experiment.objects.get()
    assert done["Location"] == experiment.get_absolute_url()
    assert (experiment.runs.count(), experiment.max_parallel) == (2, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nsearch:\n  method: tpe\n  space: {lr: {min: 9}}", "line 4: search.space.lr.min is 9"),
        ("name: x\nresources:\n  workers: 60", "line 2: 60 workers need 60 CPUs together"),
        ("entrypoint: train:nope", "line 1: train.py has no function nope"),
        ("name: x\nname: [", "it is not valid YAML"),
        (
            "search:\n  method: tpe\n  runs: 3\n  space: {lr: {}}",
            "experiment.yaml: tpe needs a metric that decides",
        ),
        ("", "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_the_text_which_stays(
    *, browser: Browser, owner: User, path: str, text: str, words: str
) -> None:
    client = browser(owner)
    for button in ({"view": "form"}, {"preview": "1"}, {}):
        response = client.post(path, {"yaml": text, **button})
        page = unescape(response.content.decode())
        assert response.status_code == 400
        assert words in page.partition('id="id_yaml_error"')[2].partition("</div>")[0]
        assert text_of(page) == text
    assert not Experiment.objects.exists()


def test_what_the_form_cannot_say_is_not_lost(browser: Browser, owner: User, path: str) -> None:
    client = browser(owner)
    text = "search:\n  method: grid\n  runs: 2\n  space: {lr: [0.1, 0.2, 0.3]}"
    response = client.post(path, {"yaml": text, "view": "form"})
    assert response.status_code == 400
    assert "line 3: search.runs limits a grid" in response.content.decode()
    client.post(path, {"yaml": text})
    assert Experiment.objects.get().runs.count() == 2


def test_a_form_with_errors_stays_a_form(browser: Browser, owner: User, path: str) -> None:
    response = browser(owner).post(path, SETTINGS | {"p-lr": "x", "view": "yaml"})
    page = response.content.decode()
    assert response.status_code == 400
    assert '<textarea name="yaml"' not in page
    assert "Parameter lr is &#x27;x&#x27;" in page


def test_an_experiment_can_be_kept_in_git(
    *, browser: Browser, owner: User, viewer: User, stranger: User, path: str
) -> None:
    client = browser(owner)
    client.post(path, RANDOM | {"pruner": "asha", "objective_metric": "loss", "max_hours": "1.5"})
    experiment = Experiment.objects.get()
    address = f"{experiment.get_absolute_url()}experiment.yaml"
    assert address in client.get(experiment.get_absolute_url()).content.decode()
    response = browser(viewer).get(address)
    assert response["Content-Disposition"] == 'attachment; filename="experiment.yaml"'
    assert browser(stranger).get(address).status_code == 404
    # Beside the code it makes the same experiment: in the form, by REST and by mlp launch.
    files = {"train.py": TRAIN, "experiment.yaml": response.content}
    bundle = bundle_from_upload(
        user=owner, project=experiment.project, filename="typed.zip", content=pack(files)
    )
    manifest = Manifest.from_json(bundle.manifest)
    assert Definition.of_manifest(manifest) == Definition.of_experiment(experiment)
    assert manifest.parameters == experiment.declared
    assert manifest.progress == experiment.progress


def test_listed_runs_are_written_down(browser: Browser, owner: User, experiment: Experiment) -> None:
    browser(owner).post(f"{experiment.get_absolute_url()}add/", {"p-lr": "0.3", "p-epochs": "7"})
    text = browser(owner).get(f"{experiment.get_absolute_url()}experiment.yaml").content.decode()
    content: Any = Manifest.from_yaml(text)
    assert [dict(each) for each in content.runs] == [
        {"lr": 0.1, "epochs": 3}, {"lr": 0.2, "epochs": 3}, {"lr": 0.3, "epochs": 7},
    ]  # fmt: skip
