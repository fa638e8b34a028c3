import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Project, User
from experiments.catalog import example_get, examples
from experiments.models import Bundle, Experiment
from experiments.services import git_bundles
from tests.experiments.web.conftest import Browser
from tests.servers.git import GitServer, Repository

SETTINGS = {
    "name": "sweep",
    "entrypoint": "train:train",
    "objective_metric": "accuracy",
    "objective_direction": "maximize",
    "workers": "1",
    "cpus_per_worker": "1",
    "gpus_per_worker": "0",
    "max_parallel": "1",
    "max_retries": "0",
}


def upload(name: str, content: bytes) -> dict[str, SimpleUploadedFile]:
    return {"code": SimpleUploadedFile(name, content)}


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_step_1_offers_examples_and_upload(browser: Browser, owner: User, project: Project) -> None:
    page = browser(owner).get("/p/vision/new/").content.decode()
    for example in examples():
        assert example.manifest.description.split()[0] in page
    assert "at most 50 MB" in page


def test_example_runs_in_two_clicks(browser: Browser, owner: User, project: Project) -> None:
    client = browser(owner)
    step_2 = client.post("/p/vision/new/", {"example": "digits"})
    page = client.get(step_2["Location"]).content.decode()
    default = example_get("digits").manifest.parameters["lr"].default
    assert f'name="p-lr" value="{default}"' in page
    assert "1e-5 to 1, on a log scale" in page
    fields = SETTINGS | {"name": "digits", "workers": "2"}
    done = client.post(step_2["Location"], fields)
    experiment = Experiment.objects.get()
    assert done["Location"] == experiment.get_absolute_url()
    assert [run.params["lr"] for run in experiment.runs.all()] == [default]
    assert experiment.description == example_get("digits").description
    assert "digits is launched with 1 run." in client.get(done["Location"]).content.decode()


def test_gpus_of_the_code_are_asked_for(browser: Browser, owner: User, bundle: Bundle) -> None:
    bundle.manifest["resources"]["gpus_per_worker"] = 1
    bundle.save()
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    assert 'name="gpus_per_worker" value="1"' in client.get(path).content.decode()
    refused = client.post(path, SETTINGS | {"p-lr": "1", "gpus_per_worker": "1"})
    assert "1 workers need 1 GPUs together" in refused.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.py", b"def train(config:\n", "line 1"),
        ("train.txt", b"hello", "neither a .py file nor a .zip"),
        ("train.py", b"x = 1\n", "No train function found"),
        ("code.zip", zipped("../train.py", b"def train(config): ..."), "../train.py"),
        ("code.zip", b"not a zip", "zip"),
    ],
)
def test_bad_upload_is_said_at_the_file(
    *, browser: Browser, owner: User, project: Project, name: str, content: bytes, message: str
) -> None:
    response = browser(owner).post("/p/vision/new/", upload(name, content))
    page = response.content.decode()
    assert response.status_code == 400
    assert message in page
    assert 'aria-describedby="code_helptext code_error"' in page
    assert not Bundle.objects.exists()


def test_no_file_and_unknown_example(browser: Browser, owner: User, project: Project) -> None:
    client = browser(owner)
    assert "Choose a .py file or a .zip first." in client.post("/p/vision/new/").content.decode()
    assert client.post("/p/vision/new/", {"example": "nope"}).status_code == 404


def test_code_from_git_is_configured_with_its_commit(
    *,
    browser: Browser,
    owner: User,
    project: Project,
    server: GitServer,
    repository: Repository,
    settings: Any,
) -> None:
    settings.GIT_HOSTS = {server.host}
    repository.commit({"requirements.txt": b"toolz>=1"})
    client = browser(owner)
    given = {"git_url": f"{server.url}/code.git", "git_revision": "main", "git_path": ""}
    step_2 = client.post("/p/vision/new/", given)
    page = client.get(step_2["Location"]).content.decode()
    words = f"{server.host}/code @ {repository.publish()[:10]}"
    assert words in page
    assert "Installs toolz&gt;=1" in page
    done = client.post(step_2["Location"], SETTINGS | {"p-lr": "0.1"})
    assert words in client.get(done["Location"]).content.decode()


def test_another_torch_is_warned_of_before_launch(
    browser: Browser, owner: User, bundle: Bundle, settings: Any
) -> None:
    packages = {"ray": "2.60.0", "torch": "2.13.0"}
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"packages": packages}}
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    assert "asks for torch" not in client.get(path).content.decode()
    Bundle.objects.update(requirements=["torch==2.1.0"])
    assert "asks for torch==2.1.0, but the cluster has torch 2.13.0" in client.get(path).content.decode()
    Bundle.objects.update(requirements=["ray==2.9"])
    refused = client.post(path, SETTINGS | {"p-lr": "1"})
    assert refused.status_code == 400
    assert "asks for ray==2.9, but the cluster has ray 2.60.0" in refused.content.decode()


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"git_url": ""}, "git_url", "This field is required."),
        ({"git_url": "ssh://git.example/code"}, "git_url", "is not the https address"),
        ({"git_url": "https://127.0.0.1/code"}, "git_url", "MLP_GIT_HOSTS"),
        ({"git_url": "https://git.example/code", "git_revision": "a b"}, "git_revision", "is not a revision"),
        ({"git_url": "https://git.example/code", "git_path": "../x"}, "git_path", "There is no folder"),
    ],
)
def test_what_is_wrong_with_git_is_said_at_its_field_and_the_values_stay(
    *, browser: Browser, owner: User, project: Project, given: dict[str, str], field: str, message: str
) -> None:
    response = browser(owner).post("/p/vision/new/", given)
    page = response.content.decode()
    assert response.status_code == 400
    assert message in page.partition(f'id="id_{field}_error"')[2].partition("</div>")[0]
    assert f'value="{given["git_url"]}"' in page or not given["git_url"]
    assert "code_error" not in page


def test_bad_code_from_git_and_a_busy_portal_are_said_there_too(
    browser: Browser, owner: User, project: Project, server: GitServer, settings: Any
) -> None:
    settings.GIT_HOSTS = {server.host}
    Repository(server.folder, "bad").commit({"train.py": b"def train(config:"})
    client, given = browser(owner), {"git_url": f"{server.url}/bad.git"}
    page = client.post("/p/vision/new/", given).content.decode()
    assert "train.py, line 1" in page
    assert "code_error" not in page
    with git_bundles._slot(), git_bundles._slot():
        busy = client.post("/p/vision/new/", given)
    assert busy.status_code == 503
    assert "try again in a minute" in busy.content.decode()


def test_too_large_upload(browser: Browser, owner: User, project: Project, settings: object) -> None:
    settings.MAX_BUNDLE_BYTES = 10  # type: ignore[attr-defined]  # pytest-django's wrapper
    assert 'data-max-bytes="10"' in browser(owner).get("/p/vision/new/").content.decode()
    response = browser(owner).post("/p/vision/new/", upload("train.py", b"x" * 11))
    assert response.status_code == 400
    assert "is larger than" in response.content.decode()


def test_what_the_code_reads_with_a_default_of_its_own_may_stay_empty(
    browser: Browser, owner: User, project: Project
) -> None:
    client = browser(owner)
    code = b"def train(config):\n    config.get('late'), config.get('width', 2 * 3), config['lr']"
    place = client.post("/p/vision/new/", upload("train.py", code))["Location"]
    assert client.post(place, SETTINGS | {"p-lr": "0.1, 0.2", "p-late": "", "p-width": ""}).status_code == 302
    assert [run.params for run in Experiment.objects.get().runs.all()] == [{"lr": 0.1}, {"lr": 0.2}]
    page = client.post(place, SETTINGS | {"p-lr": "", "p-late": "", "p-width": ""}).content.decode()
    assert page.partition("<form id")[2].count('id="id_p-lr_error"') == 1
    assert "id_p-late_error" not in page


def test_several_values_make_a_grid(browser: Browser, owner: User, bundle: Bundle) -> None:
    client = browser(owner)
    response = client.post(
        f"/p/vision/new/{bundle.pk}/", SETTINGS | {"p-lr": "0.1, 0.2", "p-epochs": "2,3,4"}
    )
    experiment = Experiment.objects.get()
    assert experiment.runs.count() == 6
    assert experiment.runs.get(number=6).params == {"lr": 0.2, "epochs": 4}
    assert "launched with 6 runs." in client.get(response["Location"]).content.decode()


def test_all_errors_at_once_and_values_kept(browser: Browser, owner: User, bundle: Bundle) -> None:
    given = SETTINGS | {"p-lr": "", "p-epochs": "2.5,x", "name": "", "workers": "0"}
    response = browser(owner).post(f"/p/vision/new/{bundle.pk}/", given)
    page = response.content.decode()
    assert response.status_code == 400
    assert "Parameter lr has no default, so it needs a value." in page
    assert "Parameter epochs is &#x27;2.5&#x27;" in page
    assert "This field is required." in page
    assert "greater than or equal to 1" in page
    assert 'value="2.5,x"' in page
    assert not Experiment.objects.exists()


def test_what_the_service_refuses_is_said_at_its_field(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    unknown = client.post(path, SETTINGS | {"p-lr": "1", "entrypoint": "train:nope"})
    assert "has no function nope" in unknown.content.decode()
    huge = client.post(path, SETTINGS | {"p-lr": "1", "workers": "60"})
    assert "could never start" in huge.content.decode()
    many = client.post(
        path, SETTINGS | {"p-lr": ",".join(map(str, range(101))), "p-epochs": ",".join(map(str, range(101)))}
    )
    assert "The search space is too large for a grid of at most 10000 sets." in many.content.decode()
    assert not Experiment.objects.exists()


def test_code_of_another_project_is_not_there(browser: Browser, owner: User, bundle: Bundle) -> None:
    other = Project.objects.create(slug="other", name="Other", created_by=owner)
    other.memberships.create(user=owner, role="owner")
    assert browser(owner).get(f"/p/other/new/{bundle.pk}/").status_code == 404


def test_add_runs_begins_with_the_values_of_a_run(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    client = browser(owner)
    assert 'value="0.2"' in client.get(f"{place}add/?from=2").content.decode()
    assert 'value="0.2"' not in client.get(f"{place}add/?from=x").content.decode()
    assert client.get(f"{place}add/?from=99").status_code == 200
    response = client.post(f"{place}add/", {"p-lr": "0.3,0.4"}, follow=True)
    assert "2 runs added." in response.content.decode()
    assert experiment.runs.count() == 4


def test_add_runs_says_what_is_wrong(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    response = browser(owner).post(f"{place}add/", {"p-lr": "0.3", "p-epochs": "many"})
    assert response.status_code == 400
    assert "Parameter epochs is &#x27;many&#x27;" in response.content.decode()
    assert experiment.runs.count() == 2
