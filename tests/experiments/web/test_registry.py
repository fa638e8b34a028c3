from typing import Any

import pytest

from accounts.models import Project, User
from experiments.models import ModelVersion
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser

PATH = "/p/vision/models/vision.sweep/2/"


def version(project: Project, finish: Finish) -> None:
    for number in (1, 2):
        run = finish(number)
        ModelVersion.objects.create(
            project=project,
            run=run,
            name="vision.sweep",
            version=number,
            uri=f"mlflow-artifacts:/{number}",
            step=number,
            objective=0.75,
        )


def test_where_it_comes_from_and_how_to_load_it(
    browser: Browser, viewer: User, project: Project, finish: Finish
) -> None:
    version(project, finish)
    page = browser(viewer).get(PATH).content.decode()
    assert "mlflow.pytorch.load_model(&quot;models:/vision.sweep/2&quot;)" in page
    assert "/p/vision/e/sweep/r/2/" in page
    assert "/p/vision/models/vision.sweep/1/" in page
    assert 'aria-current="page"' in page
    assert "from the checkpoint at step 2: accuracy <strong>0.75</strong>" in page


def test_anonymous_stranger_and_missing(
    browser: Browser, owner: User, stranger: User, project: Project, finish: Finish
) -> None:
    version(project, finish)
    assert browser(None).get(PATH)["Location"].startswith("/accounts/login/")
    assert browser(stranger).get(PATH).status_code == 404
    assert browser(owner).get(PATH.replace("/2/", "/3/")).status_code == 404


@pytest.mark.parametrize("path", ["/models/", "/p/vision/models/", "/p/vision/models/vision.sweep/"])
def test_models_and_their_versions(
    path: str, browser: Browser, viewer: User, project: Project, finish: Finish
) -> None:
    version(project, finish)
    page = browser(viewer).get(path).content.decode()
    assert PATH in page
    assert "0.75" in page
    fragment = browser(viewer).get(path, headers={"HX-Request": "true"})
    assert fragment.status_code == 200


def test_models_without_any(browser: Browser, viewer: User, project: Project) -> None:
    assert "No model yet" in browser(viewer).get("/models/").content.decode()
    assert "No model yet" in browser(viewer).get("/p/vision/models/").content.decode()
    assert browser(viewer).get("/p/vision/models/vision.sweep/").status_code == 404


def test_models_of_others(browser: Browser, stranger: User, project: Project, finish: Finish) -> None:
    version(project, finish)
    assert "vision.sweep" not in browser(stranger).get("/models/").content.decode()
    for path in ("/p/vision/models/", "/p/vision/models/vision.sweep/"):
        assert browser(stranger).get(path).status_code == 404
        assert browser(None).get(path)["Location"].startswith("/accounts/login/")


def test_models_are_found(
    browser: Browser, viewer: User, project: Project, finish: Finish, django_assert_max_num_queries: Any
) -> None:
    version(project, finish)
    client = browser(viewer)
    assert PATH in client.get("/models/?q=vision").content.decode()
    assert "No model matches" in client.get("/models/?q=audio").content.decode()
    with django_assert_max_num_queries(6):
        client.get("/models/")
