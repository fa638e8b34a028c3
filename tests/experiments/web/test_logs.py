"""The log on the page of a run: its end without scripts, what scripts need, and all of it as text."""

import pytest

from accounts.models import User
from experiments.models import Experiment, Run
from experiments.web.logs import TAIL_LINES
from tests.experiments.web.conftest import Browser
from tests.logs import downloaded, prints

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    Run.objects.update(attempts_made=2)
    run = experiment.runs.get(number=1)
    prints(run, "the first attempt")
    prints(run, "epoch \x1b[32m1\x1b[0m", "epoch 2 <b>", attempt=2, rows="50%|##")
    return run


def test_the_last_lines_are_there_without_scripts(
    browser: Browser, viewer: User, run: Run, place: str
) -> None:
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    assert "epoch 1\nepoch 2 &lt;b&gt;\n50%|##\n</pre>" in page
    assert "the first attempt" not in page
    # Each batch is news of the run, whether it has lines or not.
    assert 'data-log data-live-on="log"' in page
    assert f'data-url="/api/v1/runs/{run.id}/logs/"' in page
    assert f'href="{place}r/1/log/?attempt=2&amp;rank=0"' in page
    assert '<p class="log-cut">' not in page
    prints(run, *[f"line {number}" for number in range(1000)], attempt=2, rows="")
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    assert f"The last {TAIL_LINES} of 1002 lines" in page
    assert "line 799\n" not in page
    assert "line 800\n" in page


def test_very_long_lines_leave_room_for_the_last_one(
    browser: Browser, viewer: User, run: Run, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.selectors.logs.PAGE_BYTES", 1000)
    prints(run, *[f"{number} " + "x" * 400 for number in range(20)], "the end", attempt=2, rows="")
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    assert "the end\n</pre>" in page
    assert " of 23 lines" in page


def test_other_attempts_and_ranks(browser: Browser, viewer: User, run: Run, place: str) -> None:
    client = browser(viewer)
    page = client.get(f"{place}r/1/?attempt=1").content.decode()
    assert "the first attempt\n</pre>" in page
    assert "<option>2</option>" in page
    assert "<option selected>1</option>" in page
    assert client.get(f"{place}r/1/?attempt=3").status_code == 404
    assert client.get(f"{place}r/1/?rank=1").status_code == 404
    assert client.get(f"{place}r/1/?rank=x").status_code == 400
    prints(run, "of another", attempt=2, rank=1)
    assert "of another\n</pre>" in client.get(f"{place}r/1/?rank=1").content.decode()


def test_an_empty_log_says_so(browser: Browser, viewer: User, experiment: Experiment, place: str) -> None:
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    assert "No output yet. What the code prints appears here." in page
    Run.objects.update(state="completed")
    assert "Nothing was printed here." in browser(viewer).get(f"{place}r/1/").content.decode()


def test_the_log_as_text(browser: Browser, viewer: User, run: Run, place: str) -> None:
    client = browser(viewer)
    shown = client.get(f"{place}r/1/log/?attempt=2&rank=0")
    assert shown["Content-Type"] == "text/plain; charset=utf-8"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in shown
    assert downloaded(shown) == "epoch 1\nepoch 2 <b>\n50%|##\n"
    saved = client.get(f"{place}r/1/log/?attempt=2&rank=0&download=1")
    assert saved["Content-Disposition"] == 'attachment; filename="sweep-1-attempt-2-rank-0.log"'
    assert downloaded(saved) == "epoch 1\nepoch 2 <b>\n50%|##\n"


def test_a_stranger_gets_404(browser: Browser, stranger: User, run: Run, place: str) -> None:
    for path in (f"{place}r/1/", f"{place}r/1/log/", f"{place}r/1/log/?attempt=2&rank=0&download=1"):
        assert browser(stranger).get(path).status_code == 404, path
        assert browser(None).get(path)["Location"].startswith("/accounts/login/"), path
