from typing import Any

import httpx
import pytest

from runners.services import outage


@pytest.mark.parametrize(
    ("status", "content", "away"),
    [
        (200, {"status": "ok", "up_seconds": 3600.0}, False),
        (200, {"status": "ok", "up_seconds": 3.0}, True),
        (500, {"up_seconds": 3600.0}, True),
        (200, {}, True),
        (200, [], True),
    ],
)
def test_a_web_process_that_is_up_only_now_was_away(
    monkeypatch: pytest.MonkeyPatch, status: int, content: Any, away: bool
) -> None:
    monkeypatch.setattr(httpx, "get", lambda url, **options: httpx.Response(status, json=content))
    assert outage.portal_was_away() is away


def test_no_answer_is_away(settings: Any) -> None:
    settings.HARNESS_URL = "http://127.0.0.1:1"
    assert outage.portal_was_away()
