"""Logs over REST: ranges, search, the whole as text."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Experiment, Run
from tests.logs import downloaded, prints

Api = Callable[..., APIClient]

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    """Two attempts of two ranks."""
    Experiment.objects.update(workers=2)
    Run.objects.update(attempts_made=2)
    run = Run.objects.get(experiment=experiment, number=1)
    prints(run, "old")
    prints(run, *[f"epoch {n}" for n in range(1, 6)], attempt=2, when=1_700_000_000.5, rows="50%")
    prints(run, "\x1b[31mother\x1b[0m", attempt=2, rank=1)
    return run


@pytest.fixture
def path(run: Run) -> str:
    return f"/api/v1/runs/{run.id}/logs"


def test_lines_with_numbers_and_times(api: Api, owner: User, path: str) -> None:
    answer = api(owner).get(f"{path}/", {"from": "4", "count": "3"}).json()
    assert answer == {
        "attempt": 2,
        "rank": 0,
        "total": 6,
        "open": 1,
        "lines": [
            {"number": 4, "time": 1_700_000_000.5, "text": "epoch 4"},
            {"number": 5, "time": 1_700_000_000.5, "text": "epoch 5"},
            {"number": 6, "time": None, "text": "50%"},
        ],
        "streams": [
            {"attempt": 1, "rank": 0, "total": 1},
            {"attempt": 2, "rank": 0, "total": 6},
            {"attempt": 2, "rank": 1, "total": 1},
        ],
    }


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"from": -2}, [5, 6]),
        ({"from": -100, "count": 1}, [1]),
        ({"from": 7}, []),
        ({"count": 0}, []),
        ({"attempt": 1}, [1]),
        ({"rank": 1}, [1]),
        ({"attempt": 1, "rank": 1}, []),
    ],
)
def test_which_lines(api: Api, owner: User, path: str, query: dict[str, int], numbers: list[int]) -> None:
    answer = api(owner).get(f"{path}/", query).json()
    assert [line["number"] for line in answer["lines"]] == numbers


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"from": "x"}, 400, "from is 'x'"),
        ({"count": 1001}, 400, "from 0 to 1000"),
        ({"rank": "-1"}, 400, "rank is '-1'"),
        ({"attempt": "9" * 30}, 400, "attempt is"),
        ({"attempt": 3}, 404, "it had 2 so far"),
        ({"rank": 2}, 404, "its ranks are 0 to 1"),
        ({"search": "x" * 201}, 400, "at most 200"),
        ({"search": "a\nb"}, 400, "within one line"),
    ],
)
def test_what_there_is_not(
    *, api: Api, owner: User, path: str, query: dict[str, Any], status: int, said: str
) -> None:
    answer = api(owner).get(f"{path}/", query)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_search(api: Api, owner: User, path: str) -> None:
    answer = api(owner).get(f"{path}/?search=epoch&count=2").json()
    assert answer["matches"] == [
        {"number": 1, "excerpt": "epoch 1", "start": 0, "end": 5},
        {"number": 2, "excerpt": "epoch 2", "start": 0, "end": 5},
    ]
    assert answer["next"] == 3
    assert api(owner).get(f"{path}/", {"search": "EPOCH"}).json()["matches"] == []
    rest = api(owner).get(f"{path}/?search=EPOCH&ignore_case=1&from=3").json()
    assert ([match["number"] for match in rest["matches"]], rest["next"]) == ([3, 4, 5], None)


def test_a_file_of_the_whole_run(api: Api, owner: User, path: str) -> None:
    answer = api(owner).get(f"{path}.txt")
    assert answer["Content-Disposition"] == 'attachment; filename="sweep-1.log"'
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = downloaded(answer).splitlines()
    assert (lines[:2], lines[-1]) == (["===== attempt 1, rank 0 =====", "old"], "other")


def test_a_file_of_one_rank(api: Api, owner: User, path: str) -> None:
    answer = api(owner).get(f"{path}.txt", {"attempt": 2, "rank": 1})
    assert answer["Content-Disposition"] == 'attachment; filename="sweep-1-attempt-2-rank-1.log"'
    assert downloaded(answer) == "other\n"
    colored = api(owner).get(f"{path}.txt", {"attempt": 2, "rank": 1, "colors": 1})
    assert downloaded(colored) == "\x1b[31mother\x1b[0m\n"
    assert downloaded(api(owner).get(f"{path}.txt", {"rank": 1})) == "other\n"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.8", "gzip"),
        ("", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("x-gzip-like", None),
    ],
)
def test_gzip_for_those_who_take_it(
    api: Api, owner: User, path: str, accepted: str, encoding: str | None
) -> None:
    answer = api(owner).get(f"{path}.txt", {"attempt": 1}, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert "Accept-Encoding" in answer["Vary"]
    assert downloaded(answer) == "old\n"


def test_a_stranger_gets_404(api: Api, viewer: User, stranger: User, path: str) -> None:
    for address in (f"{path}/", f"{path}/?search=epoch", f"{path}.txt", f"{path}.txt?attempt=1&rank=0"):
        assert b"".join(api(viewer).get(address)), address
        assert api(stranger).get(address).status_code == 404, address
        assert api().get(address).status_code == 401, address
