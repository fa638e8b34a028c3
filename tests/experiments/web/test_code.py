import io
import re
import zipfile
from typing import Any

import pytest

from accounts.models import Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Experiment
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.web import code
from mlplatform.kernel import storage
from mlplatform.kernel.archive import pack
from tests.experiments.web.conftest import Browser
from tests.fixtures import CODE, DECLARATION

FILES = {
    "train.py": CODE + b"\n# <script>alert(1)</script>\n",
    "experiment.yaml": DECLARATION,
    "requirements.txt": b"einops==0.8\n",
    "lib/net.py": b"x = 1\r\ny = 2",
    "weights.bin": b"\x00\x01" * 100,
    'odd "name" é.txt': b"",
}


@pytest.fixture
def place(owner: User, project: Project) -> str:
    bundle = bundle_from_upload(user=owner, project=project, filename="mine.zip", content=pack(FILES))
    definition = Definition(name="with code", entrypoint="train:train", objective_metric="accuracy")
    made = experiment_create(
        user=owner, project=project, bundle=bundle, definition=definition, param_sets=[{}]
    )
    return made.get_absolute_url()


def text(browser: Browser, user: User, place: str, name: str = "") -> str:
    return browser(user).get(f"{place}code/", {"file": name} if name else {}).content.decode()


def body(response: Any) -> bytes:
    return b"".join(response)


def test_begins_with_the_entrypoint_and_tells_all_about_it(
    browser: Browser, viewer: User, place: str
) -> None:
    page = text(browser, viewer, place)
    assert '<h2 class="card-title" id="file-title">train.py</h2>' in page
    assert '<span class="code-keyword">def</span> <span class="code-name">train</span>' in page
    assert 'id="L6"' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "Uploaded as" in page
    assert "mine.zip" in page
    assert Bundle.objects.get().sha256 in page
    assert "einops==0.8" in page
    assert "1e-5 to 1, on a log scale" in page
    assert "One of adam, sgd" in page
    assert "lib/" in page
    assert 'aria-current="page"' in page
    assert "Use in a new experiment" not in page


def test_another_file(browser: Browser, owner: User, place: str) -> None:
    page = text(browser, owner, place, "lib/net.py")
    assert len(re.findall(r'class="code-line"', page)) == 2
    assert "Use in a new experiment" in page
    assert f"/p/vision/new/{Bundle.objects.get().pk}/" in page
    assert browser(owner).get(f"{place}code/", {"file": "../etc/passwd"}).status_code == 404


def test_what_is_not_shown_says_why(
    browser: Browser, owner: User, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = text(browser, owner, place, "weights.bin")
    assert "no text" in page
    assert "200" in page
    assert 'file=weights.bin" download' in page
    monkeypatch.setattr(code, "MAX_SHOWN_LINES", 2)
    assert "too many lines" in text(browser, owner, place)
    monkeypatch.setattr(code, "MAX_SHOWN_BYTES", 10)
    assert "too long to be shown" in text(browser, owner, place)


def test_downloads(browser: Browser, viewer: User, place: str) -> None:
    client = browser(viewer)
    whole = client.get(f"{place}code/bundle.zip")
    with zipfile.ZipFile(io.BytesIO(body(whole))) as archive:
        assert archive.read("train.py") == FILES["train.py"]
    assert re.search(r'filename="mine-[0-9a-f]{12}\.zip"', whole["Content-Disposition"])
    one = client.get(f"{place}code/file/", {"file": "train.py"})
    assert body(one) == FILES["train.py"]
    assert one["Content-Type"] == "application/octet-stream"
    assert one["Content-Disposition"] == 'attachment; filename="train.py"'
    odd = next(name for name in FILES if name.startswith("odd"))
    assert "filename*=utf-8''" in client.get(f"{place}code/file/", {"file": odd})["Content-Disposition"]
    assert client.get(f"{place}code/file/", {"file": "none"}).status_code == 404


def test_lost_and_damaged_code(browser: Browser, owner: User, place: str) -> None:
    bundle = Bundle.objects.get()
    storage.write(bundle.key, b"PK, but no zip")
    page = text(browser, owner, place)
    assert "is damaged in the storage" in page
    assert "weights.bin" in page
    assert browser(owner).get(f"{place}code/file/", {"file": "train.py"}).status_code == 409
    storage.delete_tree(storage.path(bundle.key))
    assert "not in the storage any more" in text(browser, owner, place)
    assert browser(owner).get(f"{place}code/bundle.zip").status_code == 409
    storage.delete_tree(storage.path("bundles"))
    assert "is it mounted" in text(browser, owner, place)


def test_what_git_brought_names_its_commit(browser: Browser, owner: User, experiment: Experiment) -> None:
    source = {
        "kind": "git",
        "url": "https://host/team/code.git",
        "revision": "main",
        "path": "",
        "commit": "c" * 40,
    }
    Bundle.objects.update(source=source)
    page = text(browser, owner, experiment.get_absolute_url())
    assert "https://host/team/code.git" in page
    assert "c" * 40 in page
    assert "<dt>Folder</dt>" not in page


def test_query_count(browser: Browser, owner: User, place: str, django_assert_max_num_queries: Any) -> None:
    client = browser(owner)
    with django_assert_max_num_queries(9):
        client.get(f"{place}code/")
