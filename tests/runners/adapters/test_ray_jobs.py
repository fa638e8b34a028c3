import functools
import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from experiments.causes import start_is_hopeless
from mlplatform.kernel.archive import pack
from runners.adapters.ray_jobs import RayJobsRunner
from runners.port import JobSpec, JobStatus, RunnerRefused, RunnerUnavailable
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

    # Ray copies the whole virtual environment first: half a minute for each of these on two cores.
    def test_requirements_are_there_beside_what_the_cluster_has(
        self, runner: RayJobsRunner, working_dir: str
    ) -> None:
        code = "import toolz, torch; print('toolz', toolz.__version__, 'torch', torch.__version__)"
        spec = JobSpec(
            f"mlp-{uuid.uuid4()}", f'python -c "{code}"', working_dir, requirements=("toolz==1.0.0",)
        )
        runner.submit(spec)
        poll = self.settle(runner, spec)
        assert poll.status is JobStatus.SUCCEEDED, poll.message
        assert f"toolz 1.0.0 torch {version('torch')}" in runner.logs(spec.submission_id)

    def test_requirements_that_do_not_exist_fail_in_the_resolvers_words(
        self, runner: RayJobsRunner, working_dir: str
    ) -> None:
        spec = JobSpec(f"mlp-{uuid.uuid4()}", "true", working_dir, requirements=("toolz==99.99",))
        runner.submit(spec)
        poll = self.settle(runner, spec)
        assert poll.status is JobStatus.FAILED
        assert poll.message.splitlines()[0].startswith("runtime_env setup failed")
        assert poll.message.endswith(REASON)
        assert "Traceback" not in poll.message
        assert start_is_hopeless(poll.message), poll.message


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


def answering(monkeypatch: pytest.MonkeyPatch, *bodies: object) -> tuple[RayJobsRunner, list[bytes]]:
    """A runner whose Ray answers with these, and what it was sent."""
    sent: list[bytes] = []
    answers = iter(bodies)

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return httpx.Response(200, json=next(answers))

    runner = RayJobsRunner(address="http://127.0.0.1:9")
    monkeypatch.setattr(
        runner, "_client", httpx.Client(base_url="http://ray", transport=httpx.MockTransport(handle))
    )
    return runner, sent


def test_requirements_become_pip_packages_and_none_are_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, sent = answering(monkeypatch, {}, {})
    runner.submit(JobSpec("mlp-x", "true", "http://127.0.0.1/x.zip"))
    runner.submit(JobSpec("mlp-y", "true", "http://127.0.0.1/x.zip", requirements=("toolz>=1", "numpy")))
    without, having = (json.loads(body)["runtime_env"] for body in sent)
    assert without == {"working_dir": "http://127.0.0.1/x.zip", "env_vars": {}}
    assert having["pip"] == {"packages": ["toolz>=1", "numpy"], "pip_check": False}


FIRST_LINE = "runtime_env setup failed: Failed to set up runtime environment."
REASON = "ERROR: No matching distribution found for toolz==99.99"
PREAMBLE = f"""{FIRST_LINE}
Could not create the actor because its associated runtime env failed to be created.
[Node 192.0.2.2] Traceback (most recent call last):
  File "/ray/agent/runtime_env_agent.py", line 561, in _create_runtime_env_with_retry
    runtime_env_context = await asyncio.wait_for(
                          ^^^^^^^^^^^^^^^^^^^^^^^
  File "/ray/runtime_env/utils.py", line 105, in check_output_cmd
    raise SubprocessCalledProcessError(
"""
PIP = f"""ray._private.runtime_env.utils.SubprocessCalledProcessError: Run cmd[13] failed with the following details.
Command '['/x/bin/python', '-m', 'pip']' returned non-zero exit status 1.
Last 50 lines of stdout:
    Looking in indexes: https://pypi.org/simple
      indented by pip
    {REASON}
"""
OTHER_RAY = """RuntimeError: Changing the ray version is not allowed:
  current version: 2.1,   expect version: 2.60.0
"""


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            PREAMBLE + PIP,
            f"{FIRST_LINE}\nLooking in indexes: https://pypi.org/simple\n  indented by pip\n{REASON}",
        ),
        (
            PREAMBLE + OTHER_RAY,
            f"{FIRST_LINE}\n{OTHER_RAY.strip()}",
        ),
        ("runtime_env setup failed: no disk", "runtime_env setup failed: no disk"),
        ("Job entrypoint failed with\nexit code 3", "Job entrypoint failed with\nexit code 3"),
    ],
)
def test_a_failed_installation_is_told_without_rays_preamble(
    monkeypatch: pytest.MonkeyPatch, message: str, shown: str
) -> None:
    runner, _ = answering(monkeypatch, {"status": "FAILED", "message": message})
    assert runner.poll("mlp-x").message == shown
