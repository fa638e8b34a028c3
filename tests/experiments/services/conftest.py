"""Props of the services' tests: a rank that sends batches."""

from typing import Any

import pytest

from experiments.models import Run
from runners.models import Allocation
from tests.experiments.services.sender import Sender


@pytest.fixture
def sender(leased: tuple[Allocation, Run, dict[str, Any]]) -> Sender:
    return Sender(leased)
