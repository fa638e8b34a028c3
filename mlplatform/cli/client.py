"""A small client of the portal's REST API, as a script of a user would have it."""

from typing import Any

import httpx

Json = dict[str, Any]


class ClientError(Exception):
    """The portal refused, in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PortalClient:
    """Calls the REST API at `url`, with an API token or after `sign_in`."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=60, trust_env=False
        )

    def sign_in(self, username: str, password: str, name: str = "mlp command") -> str:
        """Get an API token for a user and use it from now on."""
        answer = self.post("/auth/tokens/", {"username": username, "password": password, "name": name})
        token = str(answer["token"])
        self._http.headers["Authorization"] = f"Bearer {token}"
        return token

    def project(self, name: str) -> Json:
        """The project of this name, created if the user has none."""
        for project in self.get("/projects/"):
            if project["name"] == name:
                found: Json = project
                return found
        return self.post("/projects/", {"name": name})

    def experiment_create(self, project: str, **fields: Any) -> Json:
        """Create an experiment in a project (its slug)."""
        return self.post(f"/projects/{project}/experiments/", fields)

    def experiment(self, pk: str) -> Json:
        """One experiment."""
        found: Json = self.get(f"/experiments/{pk}/")
        return found

    def runs(self, experiment: str, sort: str = "number") -> list[Json]:
        """Runs of an experiment in the order of `sort`, such as -metric:accuracy."""
        found: list[Json] = self.get(f"/experiments/{experiment}/runs/", sort=sort)
        return found

    def model_versions(self, project: str, experiment: str) -> list[Json]:
        """Model versions that came from an experiment."""
        found: list[Json] = self.get(f"/projects/{project}/models/", experiment=experiment)
        return found

    def get(self, path: str, **params: str) -> Any:
        """GET a path below /api/v1."""
        return self._answer(self._http.get(path, params=params))

    def post(self, path: str, body: Json) -> Json:
        """POST JSON to a path below /api/v1."""
        answer: Json = self._answer(self._http.post(path, json=body))
        return answer

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()
        try:
            problem = response.json()
            message = problem.get("detail") or str(problem)
        except ValueError:
            message = response.text[:200]
        raise ClientError(response.status_code, f"{message} (HTTP {response.status_code})")
