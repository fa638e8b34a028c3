import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mlplatform.kernel.archive import pack
from runners.adapters.ray_jobs import RayJobsRunner
from runners.port import JobSpec, RunnerRefused, RunnerUnavailable
from tests.contracts.runner_contract import RunnerContract
from tests.stack import EmbeddedStack


def ray_address(stack: EmbeddedStack) -> str:
    return stack.state().services["ray"].address


@pytest.mark.integration
class TestRayJobsRunner(RunnerContract):
    """The adapter against the real Ray of the embedded stack."""

    @pytest.fixture
    def runner(self, stack: EmbeddedStack) -> RayJobsRunner:
        return RayJobsRunner(address=ray_address(stack), token=stack.secret("ray_token"))

    @pytest.fixture
    def working_dir(self, tmp_path: Path) -> Iterator[str]:
        folder = tmp_path
        Path(folder, "package.zip").write_bytes(
            pack({"note.txt": b"a note in the package\n"}, prefix="package/")
        )
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/package.zip"
            server.shutdown()


@pytest.mark.integration
def test_a_caller_without_the_token_is_refused(stack: EmbeddedStack) -> None:
    """Ray listens on every interface of the machine, so its own authentication is what keeps others out."""
    address = ray_address(stack)
    job = {"entrypoint": "true", "submission_id": "intruder"}
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(f"{address}/api/jobs/", json=job, headers=headers)
        assert answer.status_code in (401, 403), answer.text
    for token in ("", "wrong"):
        with pytest.raises(RunnerRefused, match="MLP_RAY_TOKEN"):
            RayJobsRunner(address=address, token=token).poll("intruder")


def test_no_answer_is_unavailable_and_may_be_tried_again() -> None:
    runner = RayJobsRunner(address="http://127.0.0.1:9", token="x")
    with pytest.raises(RunnerUnavailable, match="does not answer") as caught:
        runner.submit(JobSpec("mlp-x", "true", "http://127.0.0.1/x.zip"))
    assert caught.value.retryable


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"status": "DREAMING"}'])
def test_an_answer_that_makes_no_sense_is_unavailable(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    runner = RayJobsRunner(address="http://127.0.0.1:9")
    answer = httpx.Response(200, content=body, request=httpx.Request("GET", "http://127.0.0.1:9"))
    monkeypatch.setattr(runner, "_call", lambda *arguments, **options: answer)
    with pytest.raises(RunnerUnavailable, match="no sense"):
        runner.poll("mlp-x")
