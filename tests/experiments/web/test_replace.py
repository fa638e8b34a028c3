"""Code that was not ready: what is missing is said, and other code takes its place under the same form."""

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from experiments.models import Bundle, Experiment
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_launch import SETTINGS, upload

BETTER = b"""
import ray.train
def train(config):
    for epoch in range(config.get("epochs", 3)):
        ray.train.report({"accuracy": config["lr"] * config.get("width", 8)})
"""
FILLED = SETTINGS | {"name": "kept", "p-lr": "0.1, 0.2", "p-epochs": "7", "max_parallel": "2"}


def test_what_may_be_missing_is_said_before_launch(browser: Browser, owner: User, bundle: Bundle) -> None:
    client = browser(owner)
    page = client.get(f"/p/vision/new/{bundle.pk}/").content.decode()
    assert "look at this first" in page
    assert "Nothing in it calls ray.train.report" in page
    place = client.post("/p/vision/new/", upload("train.py", BETTER))["Location"]
    assert "look at this first" not in client.get(place).content.decode()


def test_every_line_of_what_is_wrong_is_shown(browser: Browser, owner: User, bundle: Bundle) -> None:
    page = browser(owner).post("/p/vision/new/", upload("x.py", b"def fit(a, b): ...")).content.decode()
    wrong = page.partition('id="code_error"')[2].partition("</ul>")[0]
    assert wrong.count("<li>") == 2
    assert "fit(a, b) needs more than one argument" in wrong


def test_other_code_under_the_same_form(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    response = client.post(path, {**FILLED, "replace": "1", **upload("train.py", BETTER)})
    better = Bundle.objects.exclude(pk=bundle.pk).get()
    assert response["Location"] == f"/p/vision/new/{better.pk}/"
    page = client.get(response["Location"]).content.decode()
    assert 'name="name" value="kept"' in page
    assert 'name="p-lr" value="0.1, 0.2"' in page
    assert 'name="p-epochs" value="7"' in page
    # What only the new code reads begins with its own default.
    assert 'name="p-width" value="8"' in page
    client.post(response["Location"], FILLED | {"p-width": "8"})
    assert Experiment.objects.get().bundle == better
    assert 'value="kept"' not in client.get(response["Location"]).content.decode()


def test_the_same_page_can_send_several_files(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    given = {**FILLED, "replace": "1", "csrfmiddlewaretoken": "of this page"}
    first = client.post(path, {**given, "code": SimpleUploadedFile("train.py", BETTER)})
    second = client.post(path, {**given, "code": SimpleUploadedFile("train.py", BETTER + b"#")})
    assert first["Location"] != second["Location"]


def test_other_code_that_is_not_ready_leaves_everything(
    browser: Browser, owner: User, bundle: Bundle
) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    for given, words in (
        (upload("train.py", b"def train(config:"), "train.py, line 1"),
        ({}, "Choose a .py file or a .zip first."),
    ):
        response = client.post(path, {**FILLED, "replace": "1", **given})
        page = response.content.decode()
        assert response.status_code == 400
        assert words in page.partition('id="code_error"')[2]
        assert 'name="name" value="kept"' in page
    assert Bundle.objects.count() == 1


def test_other_code_under_the_same_text(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    text = "name: kept\nsearch: {method: grid, space: {lr: [0.1, 0.2], epochs: 7}}"
    other = b"def train(config):\n    config['lr'], config.get('depth', 2)"
    place = client.post(path, {"yaml": text, "replace": "1", **upload("train.py", other)})["Location"]
    page = client.get(place).content.decode()
    assert "name: kept" in page
    assert "lr: [0.1, 0.2]" in page
    assert "depth: {type: int, default: 2" in page
    assert "epochs" not in page.partition('<textarea name="yaml"')[2].partition("</textarea>")[0]
    assert client.post(place, {"yaml": text, "replace": "1", **upload("t.py", other)}).status_code == 302


def test_fixed_code_begins_with_the_settings_of_the_experiment_that_failed(
    browser: Browser, owner: User, stranger: User, experiment: Experiment
) -> None:
    client = browser(owner)
    address = f"/p/vision/new/?from={experiment.slug}"
    assert "The form will begin with the settings of" in client.get(address).content.decode()
    place = client.post(address, upload("train.py", BETTER))["Location"]
    assert place.endswith(f"/?from={experiment.slug}")
    page = client.get(place).content.decode()
    assert 'name="name" value="sweep copy"' in page
    assert 'name="p-lr" value="0.1, 0.2"' in page
    assert browser(stranger).get(address).status_code == 404
    assert client.get("/p/vision/new/?from=nope").status_code == 404
