"""The environment that the portal gives the job."""

import json

import pytest

from runners.harness.protocol import Allocation, ConfigurationError

FIELDS = {"id": "a1", "url": "http://127.0.0.1:1/harness/v1/", "workers": 2, "storage_path": "/runs/"}


def test_a_complete_environment():
    allocation = Allocation.from_environment(
        {"MLP_ALLOCATION": json.dumps(FIELDS), "MLP_ALLOCATION_TOKEN": "secret"}
    )
    assert allocation.url == "http://127.0.0.1:1/harness/v1"
    assert allocation.storage_path == "/runs"
    assert not allocation.fresh_process


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "MLP_ALLOCATION"),
        ({"MLP_ALLOCATION": json.dumps(FIELDS)}, "MLP_ALLOCATION_TOKEN"),
        ({"MLP_ALLOCATION": "{", "MLP_ALLOCATION_TOKEN": "x"}, "malformed"),
        ({"MLP_ALLOCATION": "[]", "MLP_ALLOCATION_TOKEN": "x"}, "malformed"),
        ({"MLP_ALLOCATION": '{"id": 1}', "MLP_ALLOCATION_TOKEN": "x"}, "url"),
    ],
)
def test_what_is_wrong_is_named(environment, named):
    with pytest.raises(ConfigurationError, match=named):
        Allocation.from_environment(environment)
