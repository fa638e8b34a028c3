"""Runner on any Ray cluster, by its Jobs REST API."""

import textwrap
from typing import Any

import httpx

from runners.port import JobPoll, JobSpec, JobStatus, JobUnclear, RunnerRefused, RunnerUnavailable

TIMEOUT = httpx.Timeout(10, connect=3)
# How a message begins when what the job needs could not be installed, and where the installer's own words start.
SETUP_FAILED = "runtime_env setup failed"
INSTALLER = "lines of stdout:\n"
INSTALLER_TAIL = 4000


class RayJobsRunner:
    """Submits, polls and stops jobs at `address`; `token` is the cluster's own authentication token."""

    def __init__(self, *, address: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT, trust_env=False)

    def submit(self, spec: JobSpec) -> None:
        """See Runner."""
        response = self._call(
            "POST",
            "/api/jobs/",
            json={
                "submission_id": spec.submission_id,
                "entrypoint": spec.entrypoint,
                "runtime_env": _runtime_env(spec),
                "metadata": spec.metadata,
            },
        )
        # A repeated submit is answered with an error, so ask whether the job is there.
        if response.is_error and self.poll(spec.submission_id).status is JobStatus.MISSING:
            raise RunnerRefused(f"Ray refused the job: {_last_line(response.text)}")

    def poll(self, submission_id: str) -> JobPoll:
        """See Runner."""
        response = self._call("GET", f"/api/jobs/{submission_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return JobPoll(JobStatus.MISSING)
        self._check(response)
        try:
            content = response.json()
            return JobPoll(JobStatus(content["status"].lower()), _words(content.get("message") or ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobUnclear(f"Ray's answer makes no sense: {_last_line(response.text)}") from error

    def cancel(self, submission_id: str) -> None:
        """See Runner."""
        response = self._call("POST", f"/api/jobs/{submission_id}/stop")
        if response.status_code != httpx.codes.NOT_FOUND:
            self._check(response)

    def logs(self, submission_id: str) -> str:
        """See Runner."""
        response = self._call("GET", f"/api/jobs/{submission_id}/logs")
        if response.status_code == httpx.codes.NOT_FOUND:
            return ""
        self._check(response)
        try:
            return str(response.json().get("logs") or "")
        except (ValueError, AttributeError) as error:
            raise JobUnclear(f"Ray's answer makes no sense: {_last_line(response.text)}") from error

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise RunnerUnavailable(f"Ray at {self._client.base_url} does not answer: {error}") from error
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RunnerRefused(f"Ray at {self._client.base_url} refused our token; check MLP_RAY_TOKEN.")
        return response

    def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            raise JobUnclear(f"Ray answered {response.status_code}: {_last_line(response.text)}")


def _runtime_env(spec: JobSpec) -> dict[str, Any]:
    """Ray installs equal requirements once per node and session, beside what the cluster already has."""
    environment: dict[str, Any] = {"working_dir": spec.working_dir, "env_vars": spec.environment}
    if spec.requirements:
        environment["pip"] = {"packages": list(spec.requirements), "pip_check": False}
    return environment


def _words(message: str) -> str:
    """Ray's message; of an installation that failed only the first line and what the installer said.

    Between the two Ray puts its own traceback, which would push the reason out of sight.
    """
    if not message.startswith(SETUP_FAILED):
        return message
    first, _, rest = message.partition("\n")
    _, found, said = rest.partition(INSTALLER)
    if not found:
        said = _after_traceback(rest)
    return f"{first}\n{textwrap.dedent(said).strip()[-INSTALLER_TAIL:]}".strip()


def _after_traceback(text: str) -> str:
    """The exception below the last frame of a traceback."""
    lines = text.splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    below = lines[frames[-1] + 1 :] if frames else lines
    while below and below[0].startswith("    "):
        below.pop(0)
    return "\n".join(below)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no explanation"
