import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from experiments.models import Checkpoint, Run
from experiments.web import checkpoints
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser


@pytest.fixture
def saved(finish: Finish, storage_path: Path) -> list[Checkpoint]:
    """Of run 1 at steps 1 and 2; the second has two files of five bytes."""
    run = finish(1, accuracy=(0.9, 0.5))
    folder = storage_path / "runs" / str(run.pk) / "1-000002"
    (folder / "deep").mkdir(parents=True)
    for name in ("w.pt", "deep/o.pt"):
        (folder / name).write_bytes(b"12345")
    made = list(run.checkpoints.order_by("step"))
    made[1].path, made[1].metrics = str(folder), {"accuracy": 0.5, "loss": 1.25, "odd": "nan"}
    made[1].save()
    return made


def test_what_is_stored(browser: Browser, viewer: User, saved: list[Checkpoint], place: str) -> None:
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    card = page.partition('id="run-checkpoints"')[2].partition("</section>")[0]
    assert card.index(f'id="checkpoint-{saved[1].pk}"') < card.index(f'id="checkpoint-{saved[0].pk}"')
    assert '<span class="badge">newest</span>' in card
    assert '<span class="badge">best</span>' in card
    assert "10\xa0bytes" in card
    assert 'loss <b class="number">1.25</b>' in card
    assert f'href="{place}r/1/checkpoints/{saved[1].pk}.zip" download' in card
    assert "/fork/" not in card


def test_nothing_is_stored_yet(browser: Browser, owner: User, place: str) -> None:
    assert "None is stored." in browser(owner).get(f"{place}r/1/").content.decode()


def test_only_the_newest_are_listed(
    browser: Browser, owner: User, saved: list[Checkpoint], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MAX_LINES", 1)
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert f'id="checkpoint-{saved[0].pk}"' not in page
    assert "1 older one besides" in page


def test_it_comes_live(browser: Browser, owner: User, place: str) -> None:
    page = browser(owner).get(f"{place}r/1/", headers={"HX-Request": "true"}).content.decode()
    assert 'id="run-checkpoints" aria-labelledby="checkpoints-title" hx-swap-oob="outerMorph"' in page


def test_download(
    browser: Browser, viewer: User, stranger: User, saved: list[Checkpoint], place: str
) -> None:
    gone, there = (f"{place}r/1/checkpoints/{one.pk}.zip" for one in saved)
    answer: Any = browser(viewer).get(there)
    assert answer["Content-Disposition"] == 'attachment; filename="sweep-1-step-2.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "deep/o.pt": b"12345",
            "w.pt": b"12345",
        }
    assert browser(stranger).get(there).status_code == 404
    assert browser(viewer).get(gone).status_code == 404
    # Of another run, and outside of the run's folder.
    assert browser(viewer).get(there.replace("/r/1/", "/r/2/")).status_code == 404
    Checkpoint.objects.filter(pk=saved[1].pk).update(path="/etc")
    assert browser(viewer).get(there).status_code == 404
    assert "passwd" not in browser(viewer).get(f"{place}r/1/").content.decode()


def test_query_count_does_not_grow(
    browser: Browser, owner: User, saved: list[Checkpoint], place: str
) -> None:
    client, run = browser(owner), Run.objects.get(number=1)
    counts = []
    for steps in (range(10, 11), range(20, 50)):
        Checkpoint.objects.bulk_create(
            Checkpoint(run=run, attempt=1, step=step, path=f"/x/{step}") for step in steps
        )
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{place}r/1/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
