"""Whatever one sends to the REST API is answered as its schema says, and never by an error of ours.

`--hypothesis-profile=explore` tries far more than there is time for at each change.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Project, User
from accounts.services.tokens import token_create
from experiments.models import Experiment

pytestmark = pytest.mark.django_db

EXAMPLES = 5
WELL = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_wsgi(f"{reverse('api_schema')}?format=json", get_wsgi_application())


def _operations() -> Iterator[APIOperation]:
    for found in SCHEMA.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


OPERATIONS = {operation.label: operation for operation in _operations()}
# A query that makes no sense is often one that is not there: of two values the last counts, an empty one does not.
CALLS = [
    (label, mode)
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode == GenerationMode.POSITIVE or operation.body
]


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """A test is one transaction, which the end of a request must not close."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def places(project: Project, experiment: Experiment) -> dict[str, dict[str, Any]]:
    """What is there, by the part of an address that names it."""
    run = experiment.runs.get(number=1)
    return {
        "projects": {"slug": project.slug, "experiment": experiment.slug},
        "experiments": {"id": str(experiment.pk), "number": 1},
        "runs": {"id": str(run.pk)},
    }


@pytest.mark.parametrize(("label", "mode"), CALLS)
def test_any_call(label: str, mode: GenerationMode, owner: User, places: dict[str, dict[str, Any]]) -> None:
    operation = OPERATIONS[label]
    noun = operation.path.removeprefix("/api/v1/").partition("/")[0]
    there = {name: value for name, value in places.get(noun, {}).items() if f"{{{name}}}" in operation.path}
    headers = {"Authorization": f"Bearer {token_create(user=owner, name='any')[1]}"}
    asked = [*WELL, negative_data_rejection] if mode == GenerationMode.NEGATIVE else WELL

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=there))
    def call(case: Case) -> None:
        with transaction.atomic():
            # What one call does must not decide about the next.
            case.headers["Idempotency-Key"] = str(uuid.uuid4())
            case.call_and_validate(headers=headers, checks=asked)
            transaction.set_rollback(True)

    call()
