"""Dramatiq actors. They call a service, and are safe to repeat."""

import dramatiq

import mlplatform.broker  # noqa: F401  (sets the broker before actors are declared)
from accounts.services.once import answers_forget


@dramatiq.actor(time_limit=60_000, max_age=600_000)
def forget_answers() -> None:
    """Drop the answers of requests that nobody sends again."""
    answers_forget()
