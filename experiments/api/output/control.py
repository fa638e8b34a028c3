"""What the REST API tells about actions on several runs."""

from typing import TypedDict

from experiments.services.control import Outcome


class OutcomeJson(TypedDict):
    """Numbers of runs that were changed, and of those that were skipped."""

    changed: list[int]
    skipped: list[int]


def outcome_json(outcome: Outcome) -> OutcomeJson:
    """What an action did."""
    return {"changed": outcome.changed, "skipped": outcome.skipped}
