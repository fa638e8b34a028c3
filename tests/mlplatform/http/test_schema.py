"""The description of the REST API: complete, valid, and the one that was looked at when it last changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

SNAPSHOT = Path(__file__).parents[2] / "snapshots" / "openapi.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))


def operations(schema: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in schema["paths"].values()
        for operation in path.values()
    }


def test_it_is_valid(schema: Any, capsys: pytest.CaptureFixture[str]) -> None:
    validate_schema(schema)
    # Where drf-spectacular tells what it could not make out.
    assert capsys.readouterr().err == ""


def test_it_is_as_it_was(schema: Any) -> None:
    """Clients are made from it: a change is to be seen."""
    assert schema == json.loads(SNAPSHOT.read_text()), (
        "`make schema` keeps the new one; look at the difference."
    )


def test_names_are_given_once(schema: Any) -> None:
    count = sum(len(path) for path in schema["paths"].values())
    assert len(operations(schema)) == count > 40


def test_answers_bodies_and_parameters_are_told(schema: Any) -> None:
    found = operations(schema)
    listed = found["runs_get"]
    assert listed["responses"]["200"]["content"]["application/json"]["schema"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Run"},
    }
    assert {"where", "sort", "after", "limit"} <= {parameter["name"] for parameter in listed["parameters"]}
    made = found["experiments_post"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in made["parameters"]}
    assert list(made["responses"]) == ["201", "4XX", "5XX"]
    taken = schema["components"]["schemas"]["ExperimentInput"]
    # A section of experiment.yaml is taken as well as the fields that it groups, and nothing else.
    assert taken["additionalProperties"] is False
    assert {"max_parallel", "budget"} <= taken["properties"].keys()
    assert found["run_get"]["summary"] == "One run."


def test_what_jobs_ask_is_left_out(schema: Any) -> None:
    assert all(path.startswith("/api/v1/") for path in schema["paths"])


def test_everybody_may_read_it(client: Client) -> None:
    answer = client.get(reverse("api_schema"), {"format": "json"})
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "mlplatform"
    # It does not look at who asks, so no browser and no token gets another one made, or is refused.
    assert "Cookie" not in answer.get("Vary", "")
    old = client.get(
        reverse("api_schema"), {"format": "json"}, headers={"authorization": "Bearer mlp_expired"}
    )
    assert old.status_code == 200
