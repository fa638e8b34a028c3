from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.models import Bundle
from mlplatform.kernel.archive import pack
from tests.fixtures import CODE
from tests.servers.git import GitServer, Repository

Api = Callable[..., APIClient]
BASE = "/api/v1/projects/vision"


def post(client: APIClient, path: str, content: Any = None) -> Any:
    return client.post(path, content if content is not None else {}, format="json")


def test_an_upload_tells_its_source_and_requirements(api: Api, owner: User, project: Project) -> None:
    content = pack({"train.py": CODE, "requirements.txt": b"toolz"})
    file = SimpleUploadedFile("code.zip", content)
    made = api(owner).post(f"{BASE}/bundles/", {"file": file}, format="multipart").json()
    assert made["source"] == {"kind": "upload", "filename": "code.zip"}
    assert made["requirements"] == ["toolz"]


def test_an_upload_with_another_torch_is_warned_of_and_with_another_ray_refused(
    api: Api, owner: User, project: Project, settings: Any
) -> None:
    packages = {"ray": "2.60.0", "torch": "2.13.0"}
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"packages": packages}}

    def sent(requirements: bytes) -> Any:
        content = pack({"train.py": CODE, "requirements.txt": requirements})
        file = SimpleUploadedFile("code.zip", content)
        return api(owner).post(f"{BASE}/bundles/", {"file": file}, format="multipart")

    assert sent(b"toolz").json()["warnings"] == []
    made = sent(b"torch==2.1.0").json()
    assert "torch==2.1.0, but the cluster has torch 2.13.0" in made["warnings"][0]
    body = {"bundle": made["id"], "runs": [{"lr": 1}]}
    assert post(api(owner), f"{BASE}/experiments/preview/", body).json()["warnings"] == made["warnings"]
    refused = sent(b"ray==2.9")
    assert (refused.status_code, refused.json()["field"]) == (400, "code")


def test_code_comes_from_git(
    *, api: Api, owner: User, project: Project, server: GitServer, repository: Repository, settings: Any
) -> None:
    settings.GIT_HOSTS = {server.host}
    url = f"{server.url}/code.git"
    made = post(api(owner), f"{BASE}/bundles/", {"git": {"url": url}})
    assert made.status_code == 201
    assert made.json()["source"]["commit"] == repository.publish()
    part = post(
        api(owner), f"{BASE}/bundles/", {"git": {"url": url, "revision": "main", "path": "deep/er"}}
    ).json()
    assert part["files"] == ["note.txt", "train.py"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "ssh://git.example/code"}, "git_url"),
        ({"url": "https://127.0.0.1/code"}, "git_url"),
        ({"url": "https://git.example/code", "revision": "-x"}, "git_revision"),
        ({"url": "https://git.example/code", "path": "../x"}, "git_path"),
        ({"url": "https://git.example/co\x00de"}, None),
        ({"url": {"a": 1}}, None),
        ({}, None),
        ("https://git.example/code", None),
        (None, None),
    ],
)
def test_what_git_must_not_be_asked_is_400(
    api: Api, owner: User, project: Project, given: Any, field: str | None
) -> None:
    answer = post(api(owner), f"{BASE}/bundles/", {"git": given})
    assert answer.status_code == 400
    assert answer.json().get("field") == field
    assert not Bundle.objects.exists()


def test_a_syntax_error_is_told_by_line(api: Api, owner: User, project: Project) -> None:
    file = SimpleUploadedFile("train.py", b"def train(config:\n  pass\n")
    answer = api(owner).post(f"{BASE}/bundles/", {"file": file}, format="multipart")
    assert answer.status_code == 400
    assert "train.py, line 1" in answer.json()["detail"]


def test_an_upload_that_is_too_big_is_413(api: Api, owner: User, project: Project, settings: Any) -> None:
    settings.MAX_BUNDLE_BYTES = 1000
    answer = api(owner).post(
        f"{BASE}/bundles/", {"file": SimpleUploadedFile("a.py", b"#" * 1001)}, format="multipart"
    )
    assert answer.status_code == 413


def test_nothing_to_upload_is_400(api: Api, owner: User, project: Project) -> None:
    assert post(api(owner), f"{BASE}/bundles/").json()["field"] == "code"
