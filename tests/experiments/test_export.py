"""Files of points: exact, whichever the format and the state that the points are stored in."""

import csv
import io
import json
import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from pyarrow import parquet
from rest_framework.test import APIClient

from accounts.models import User
from experiments import export
from experiments.models import Experiment, Run
from experiments.points_file import points_file
from experiments.selectors import export as module
from experiments.selectors.export import exact, runs_of
from experiments.services import points
from experiments.services.points import points_compact
from mlplatform.http import downloads
from mlplatform.kernel.errors import Busy, InvalidInput
from tests.experiments.swept import add_runs
from tests.points import report

Api = Callable[..., APIClient]
BROWSER_ACCEPTS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ROWS = [
    (1, 'a "quoted", name', 1, math.inf),
    (1, "loss", 1, 0.1),
    (1, "loss", 2, math.nan),
    (1, "loss", 2, 1e-300),
    (1, "loss", 3, 1 / 3),
    (1, "loss", 4, 0.5),
    (1, "loss", 2**61, -math.inf),
]


@pytest.fixture
def run(leased: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two chunks, and hot rows whose points belong before, between and after them."""
    found: Run = leased[1]
    for limit, value in (("CHUNK", 2), ("HOT_ROWS", 1)):
        monkeypatch.setattr(points, limit, value)
    report(found, [2, 3, 2**61], [math.nan, 1 / 3, -math.inf], name="loss")
    points_compact(found.pk)
    report(found, [1, 2, 4], [0.1, 1e-300, 0.5], name="loss", seq=2)
    report(found, [1], [math.inf], name='a "quoted", name', seq=2)
    return found


def content(response: Any) -> bytes:
    return b"".join(response)


def of(name: str) -> list[tuple[int, str, int, float]]:
    return [row for row in ROWS if row[1] == name]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@pytest.mark.parametrize("place", ["runs", "experiments"])
def test_every_format_has_every_point_exactly(run: Run, api: Api, owner: User, place: str) -> None:
    path = f"/api/v1/{place}/{run.pk if place == 'runs' else run.experiment_id}/points."
    client = api(owner)
    text = content(client.get(path + "csv")).decode()
    header, *lines = csv.reader(io.StringIO(text))
    assert tuple(header) == export.COLUMNS
    assert repr([(int(a), b, int(c), float(d)) for a, b, c, d, _ in lines]) == repr(ROWS)
    found = [json.loads(line) for line in content(client.get(path + "jsonl")).splitlines()]
    assert repr([(r["run"], r["metric"], r["step"], float(r["value"])) for r in found]) == repr(ROWS)
    table = parquet.read_table(io.BytesIO(content(client.get(path + "parquet")))).to_pylist()
    assert repr([(r["run"], r["metric"], r["step"], r["value"]) for r in table]) == repr(ROWS)
    assert [row["time"] for row in table] == [1_700_000_000.0 + row["step"] for row in table]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_a_page_offers_them_and_strangers_get_none(
    run: Run, client: Any, owner: User, stranger: User
) -> None:
    client.force_login(owner)
    pages = {
        f"/api/v1/runs/{run.pk}/": run.get_absolute_url(),
        f"/api/v1/experiments/{run.experiment_id}/": run.experiment.get_absolute_url(),
    }
    for url, page in pages.items():
        assert f'href="{url}points.parquet"' in client.get(page).content.decode()
        response = client.get(f"{url}points.csv?name=loss", headers={"Accept": BROWSER_ACCEPTS})
        assert "attachment" in response["Content-Disposition"]
        assert content(response).decode().count("\n") == 1 + len(of("loss"))
        assert client.get(f"{url}points.xlsx").status_code == 400
    client.force_login(stranger)
    assert [client.get(f"{url}points.csv").status_code for url in pages] == [404, 404]
    client.logout()
    assert [client.get(f"{url}points.csv").status_code for url in pages] == [401, 401]


def test_parts_are_small_and_in_order(run: Run) -> None:
    parts = list(exact([run], ["loss"]))
    assert len(parts) > 1
    found = [(part.run, part.metric, step, value) for part in parts for step, value, _ in part.rows()]
    assert repr(found) == repr(of("loss"))


def test_the_runs_of_an_experiment_are_read_a_page_at_a_time_with_no_more_than_is_needed(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_runs(experiment, [({"lr": n}, None) for n in range(3)])
    monkeypatch.setattr(module, "RUNS_AT_A_TIME", 2)
    found = runs_of(experiment)
    with CaptureQueriesContext(connection) as asked:
        assert [run.number for run in islice(found, 2)] == [1, 2]
    assert len(asked) == 1
    assert "params" not in asked.captured_queries[0]["sql"]
    with CaptureQueriesContext(connection) as asked:
        assert [(run.number, run.month > 0) for run in found] == [(3, True), (4, True), (5, True)]
    assert len(asked) == 3


def test_large_exports_are_groups_of_rows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ROWS_PER_GROUP", 3)
    data = b"".join(export.format_named("parquet").encode(exact([run])))
    assert parquet.ParquetFile(io.BytesIO(data)).num_row_groups == 2


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_run_without_points_is_a_file_without_rows(leased: Any, kind: str) -> None:
    data = b"".join(export.format_named(kind).encode(exact([leased[1]])))
    if kind == "parquet":
        assert parquet.read_table(io.BytesIO(data)).num_rows == 0
    else:
        assert data.count(b"\n") == (kind == "csv")


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"mlplatform\[parquet\]"):
        export.format_named("parquet")


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_few_at_a_time_and_each_gives_its_place_back(run: Run) -> None:
    started = [points_file([run], QueryDict(), "x", "csv")]
    held = [downloads._counted(iter([b""])) for _ in range(downloads.AT_ONCE - 1)]
    for parts in held:
        next(parts)
    with pytest.raises(Busy):
        points_file([run], QueryDict(), "x", "csv")
    for parts in held:
        parts.close()
    content(started[0])
    for _ in range(2 * downloads.AT_ONCE):
        assert content(points_file([run], QueryDict(), "x", "csv"))
