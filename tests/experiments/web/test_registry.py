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
