import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlplatform.cli.client import ClientError, PortalClient
from mlplatform.kernel.archive import unpack


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> tuple[PortalClient, list[httpx.Request]]:
    """A client whose portal takes everything, and what it was sent."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        return httpx.Response(201, json={"id": "1"})

    client = PortalClient("http://portal")
    transport = httpx.MockTransport(handle)
    monkeypatch.setattr(client, "_http", httpx.Client(base_url="http://portal/api/v1", transport=transport))
    return client, sent


def test_a_file_is_sent_as_it_is_and_a_folder_as_a_zip(
    portal: tuple[PortalClient, list[httpx.Request]], tmp_path: Path
) -> None:
    client, sent = portal
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "train.py").write_bytes(b"code")
    assert client.bundle("vision", folder / "train.py") == {"id": "1"}
    client.bundle("vision", folder)
    assert [request.url.path for request in sent] == ["/api/v1/projects/vision/bundles/"] * 2
    assert b'filename="train.py"' in sent[0].content
    assert b"code" in sent[0].content
    head, _, rest = sent[1].content.partition(b"\r\n\r\n")
    assert b'filename="digits.zip"' in head
    assert unpack(rest.rpartition(b"\r\n--")[0], max_bytes=100, max_files=1) == {"train.py": b"code"}


def test_git_is_left_to_the_portal(portal: tuple[PortalClient, list[httpx.Request]]) -> None:
    client, sent = portal
    client.bundle_from_git("vision", "https://git.example/code", revision="main")
    given: Any = json.loads(sent[0].content)
    assert given == {"git": {"url": "https://git.example/code", "revision": "main", "path": ""}}


def test_a_refusal_is_told_in_the_portals_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = PortalClient("http://portal")
    refuse = httpx.MockTransport(lambda request: httpx.Response(400, json={"detail": "No train function."}))
    monkeypatch.setattr(client, "_http", httpx.Client(base_url="http://portal", transport=refuse))
    (tmp_path / "train.py").write_bytes(b"")
    with pytest.raises(ClientError, match=r"^No train function\.$"):
        client.bundle("vision", tmp_path / "train.py")


def test_what_makes_something_is_sent_again_under_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    def lose_the_answers(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(201, json=[{"number": 1}])

    monkeypatch.setattr("mlplatform.cli.client.PAUSES_S", (0, 0))
    client = PortalClient("http://portal", transport=httpx.MockTransport(lose_the_answers))
    assert client.runs_add("e", [{"lr": 1}]) == [{"number": 1}]
    assert (len(keys), len(set(keys))) == (3, 1)
    client.runs_add("e", [{"lr": 1}])
    assert keys[3] != keys[0]


def test_a_portal_that_is_away_is_told_in_the_end_and_verbs_are_sent_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ConnectError("refused", request=request)

    monkeypatch.setattr("mlplatform.cli.client.PAUSES_S", (0, 0))
    client = PortalClient("http://portal", transport=httpx.MockTransport(refuse))
    with pytest.raises(httpx.ConnectError):
        client.run_continue("r", 1)
    assert len(sent) == 3
    with pytest.raises(httpx.ConnectError):
        client.experiment_do("e", "pause")
    assert len(sent) == 4
