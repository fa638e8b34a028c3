"""Where the pages of the tests' experiment are, and browsers of the cast."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from experiments.models import Experiment

Browser = Callable[[User | None], Client]


@pytest.fixture
def browser() -> Browser:
    """A client signed in as a user, or as nobody."""

    def make(user: User | None = None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return make


@pytest.fixture
def place(experiment: Experiment) -> str:
    """Path of the experiment's page."""
    return experiment.get_absolute_url()
