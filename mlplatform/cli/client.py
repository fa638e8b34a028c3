"""A small client of the portal's REST API, as a script of a user would have it."""

import time
import uuid
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from mlplatform.cli.folder import pack_folder

Json = dict[str, Any]
# The portal's own limit for a fetch from Git is 60 s.
TIMEOUT_S = 90
# Before a request that makes something is sent again; a portal that restarts is back by then.
PAUSES_S = (0.5, 2.0)
# Rows that the portal gives at a time.
MAX_PAGE = 1000
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ClientError(Exception):
    """The portal refused, in its own words."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class PortalClient:
    """Calls the REST API at `url`, with an API token or after `sign_in`."""

    def __init__(self, url: str, token: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT_S,
            # Proxies and certificates of the environment are for other machines.
            trust_env=urlsplit(url).hostname not in LOOPBACK,
            transport=transport,
        )

    def sign_in(
        self, username: str, password: str, name: str = "mlp command", code: str = "", **limits: Any
    ) -> str:
        """Get a token for a user and use it from now on; by default it can do all that they can, for 90 days.

        `code` is of the second factor, if there is one.
        """
        credentials = {"username": username, "password": password, "name": name, "code": code}
        answer = self.post("/auth/tokens/", {"scope": "admin", **credentials, **limits})
        token = str(answer["token"])
        self._http.headers["Authorization"] = f"Bearer {token}"
        return token

    def sign_out(self) -> None:
        """End the token of this client."""
        self.delete("/auth/tokens/current/")

    def projects(self) -> list[Json]:
        """The user's projects, by name."""
        return list(self.every("/projects/"))

    def project(self, name: str) -> Json:
        """The project of this name, created if the user has none."""
        for project in self.projects():
            if project["name"] == name:
                return project
        made: Json = self.create("/projects/", {"name": name})
        return made

    def bundle(self, project: str, path: Path) -> Json:
        """Put code into a project (its slug): a .py file, a .zip, or a folder. Raises FolderError for the folder."""
        if path.is_dir():
            folder = path.resolve()
            name, content = f"{folder.name}.zip", pack_folder(folder)
        else:
            name, content = path.name, path.read_bytes()
        answer: Json = self.create(f"/projects/{project}/bundles/", files={"file": (name, content)})
        return answer

    def bundle_from_git(self, project: str, url: str, revision: str = "", path: str = "") -> Json:
        """Let the portal fetch code from Git into a project (its slug)."""
        given = {"git": {"url": url, "revision": revision, "path": path}}
        answer: Json = self.create(f"/projects/{project}/bundles/", given)
        return answer

    def bundle_from_example(self, project: str, name: str) -> Json:
        """Put a built-in example into a project (its slug)."""
        answer: Json = self.create(f"/projects/{project}/bundles/", {"example": name})
        return answer

    def experiments(self, project: str) -> list[Json]:
        """Experiments of a project (its slug), newest first."""
        return list(self.every(f"/projects/{project}/experiments/"))

    def experiment_create(self, project: str, **fields: Any) -> Json:
        """Create an experiment in a project (its slug)."""
        made: Json = self.create(f"/projects/{project}/experiments/", fields)
        return made

    def experiment_preview(self, project: str, **fields: Any) -> Json:
        """What `experiment_create` with the same fields would do."""
        return self.post(f"/projects/{project}/experiments/preview/", fields)

    def experiment(self, pk: str) -> Json:
        """One experiment."""
        found: Json = self.get(f"/experiments/{pk}/")
        return found

    def experiment_at(self, project: str, slug: str) -> Json:
        """The same, by the two names in the page's address."""
        found: Json = self.get(f"/projects/{project}/experiments/{slug}/")
        return found

    def experiment_do(self, pk: str, verb: str) -> Json:
        """Pause, resume or cancel an experiment."""
        return self.post(f"/experiments/{pk}/{verb}/", {})

    def experiment_change(self, pk: str, **fields: Any) -> Json:
        """Change an experiment's name, parallelism or budget; None takes a limit away."""
        answer: Json = self._answer(self._http.patch(f"/experiments/{pk}/", json=fields))
        return answer

    def experiment_clone(self, pk: str, **fields: Any) -> Json:
        """Create an experiment like this one, with the fields instead of its own."""
        made: Json = self.create(f"/experiments/{pk}/clone/", fields)
        return made

    def experiment_definition(self, pk: str) -> str:
        """experiment.yaml that, beside the same code, makes another one like it."""
        return self._checked(self._http.get(f"/experiments/{pk}/definition.yaml")).text

    def experiment_delete(self, pk: str) -> Json:
        """Delete an experiment with all that it has; what is being deleted."""
        answer: Json = self._answer(self._http.delete(f"/experiments/{pk}/"))
        return answer

    def runs(
        self, experiment: str, sort: str = "number", where: str = "", limit: int | None = None
    ) -> list[Json]:
        """Runs of an experiment for which a query holds, all or the first, in an order such as -metrics.accuracy."""
        size = MAX_PAGE if limit is None else min(limit, MAX_PAGE)
        rows = self.every(f"/experiments/{experiment}/runs/", sort=sort, where=where, limit=str(size))
        return list(islice(rows, limit))

    def run(self, experiment: str, number: int) -> Json:
        """A run of an experiment by its number."""
        found: Json = self.get(f"/experiments/{experiment}/runs/{number}/")
        return found

    def runs_add(self, experiment: str, runs: list[Json]) -> list[Json]:
        """Add parameter sets to an experiment; the new runs."""
        added: list[Json] = self.create(f"/experiments/{experiment}/runs/", {"runs": runs})
        return added

    def runs_do(self, experiment: str, verb: str, numbers: Collection[int]) -> Json:
        """Cancel, delete or retry runs by number; to retry none in particular is to retry all that failed."""
        body = {"numbers": sorted(numbers)} if numbers else {}
        return self.post(f"/experiments/{experiment}/runs/{verb}/", body)

    def run_forks(self, run: str, runs: list[Json], **fields: Any) -> list[Json]:
        """New runs that begin at a checkpoint (its id, by default the last), one for each set of changed params."""
        made: list[Json] = self.create(f"/runs/{run}/fork/", {"runs": runs, **fields})
        return made

    def runs_tag(self, experiment: str, numbers: Collection[int], tags: dict[str, str | None]) -> Json:
        """Set tags of runs by number; None takes one away."""
        return self.post(f"/experiments/{experiment}/runs/tag/", {"numbers": sorted(numbers), "tags": tags})

    def run_continue(self, run: str, more: int) -> Json:
        """A new run that trains a completed one further."""
        made: Json = self.create(f"/runs/{run}/continue/", {"more": more})
        return made

    def checkpoints(self, run: str) -> list[Json]:
        """Checkpoints of a run, newest first."""
        return list(self.every(f"/runs/{run}/checkpoints/"))

    def log_lines(self, run: str, *, attempt: int, rank: int = 0, first: int = 1) -> Json:
        """Lines that a rank printed, as many as fit into one answer; a negative `first` counts from the end."""
        params = {"attempt": str(attempt), "rank": str(rank), "from": str(first), "count": "1000"}
        found: Json = self.get(f"/runs/{run}/logs/", **params)
        return found

    def model_versions(self, project: str, experiment: str) -> list[Json]:
        """Model versions that came from an experiment."""
        return list(self.every(f"/projects/{project}/models/", experiment=experiment))

    def every(self, path: str, **params: str) -> Iterator[Json]:
        """All rows of a list below /api/v1, page after page."""
        params = {"limit": str(MAX_PAGE), **params}
        while True:
            response = self._http.get(path, params=params)
            yield from self._answer(response)
            following = response.links.get("next")
            if not following:
                return
            params |= dict(parse_qsl(urlsplit(following["url"]).query))

    def get(self, path: str, **params: str) -> Any:
        """GET a path below /api/v1."""
        return self._answer(self._http.get(path, params=params))

    def post(self, path: str, body: Json) -> Json:
        """POST JSON to a path below /api/v1."""
        answer: Json = self._answer(self._http.post(path, json=body))
        return answer

    def delete(self, path: str) -> None:
        """DELETE a path below /api/v1."""
        self._checked(self._http.delete(path))

    def create(self, path: str, body: Json | None = None, *, files: Any = None) -> Any:
        """POST what makes something. Sent again if the answer does not arrive: the key has it made once."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        for pause in (*PAUSES_S, None):
            try:
                return self._answer(self._http.post(path, json=body, files=files, headers=key))
            except httpx.TransportError:
                if pause is None:
                    raise
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _answer(self, response: httpx.Response) -> Any:
        try:
            return self._checked(response).json()
        except ValueError:
            raise ClientError(
                response.status_code, f"What answers at {self.url} is not this portal; check the address."
            ) from None

    def _checked(self, response: httpx.Response) -> httpx.Response:
        """Raise ClientError unless the portal has done what was asked."""
        if response.is_success:
            return response
        if response.is_redirect:
            message = f"{self.url} sends us on to {response.headers['Location']}; log in to that address."
        else:
            message = _words(response)
        raise ClientError(response.status_code, message, _code(response))


def _code(response: httpx.Response) -> str:
    """What kind of refusal it is, where the portal says so."""
    try:
        return str(response.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _words(response: httpx.Response) -> str:
    """The problem's own words, with those about single fields."""
    try:
        problem = response.json()
    except ValueError:
        return f"The portal answers with HTTP {response.status_code}: {response.text[:200]}"
    said = str(problem.get("detail") or problem)
    fields = problem.get("errors")
    if isinstance(fields, dict):
        said += " " + " ".join(f"{name}: {_plain(problems)}" for name, problems in fields.items())
    return said


def _plain(problems: Any) -> str:
    if isinstance(problems, dict):
        problems = [f"{name}: {_plain(inner)}" for name, inner in problems.items()]
    return " ".join(map(str, problems)) if isinstance(problems, list) else str(problems)
