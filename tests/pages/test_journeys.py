"""What people do where nothing has to be trained: with the portal's web process alone, on rows."""

import csv
import math
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Membership, Role, User
from accounts.services.projects import project_create
from experiments.definition import Definition
from experiments.models import Experiment
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create, runs_add
from experiments.services.leasing import lease_next
from mlplatform.kernel.archive import pack
from runners.models import Allocation
from runners.services.tokens import allocation_token
from tests.fixtures import CODE, user_create
from tests.pages.conftest import Portal, Visitor, session_of

# Rows are written outside of a test's transaction: by fixtures of the module, the web process, other threads.
pytestmark = [pytest.mark.browser, pytest.mark.django_db]

# Starting processes on a busy machine.
PATIENT_MS = 60_000
MB = 2**20
DROPPED = """([name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  return carried;
}"""
# How the socket was closed, and how much it said before that.
LISTEN = """(path) => new Promise((done) => {
  const socket = new WebSocket(`ws://${location.host}${path}`);
  let heard = 0;
  socket.addEventListener("message", () => { heard += 1; });
  socket.addEventListener("close", ({ code }) => done([code, heard]));
})"""

expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Team:
    """Two people who share a project, and its experiment of two queued runs."""

    owner: User
    editor: User
    experiment: Experiment

    @property
    def place(self) -> str:
        """The page of the project."""
        return reverse("project", args=[self.experiment.project.slug])

    @property
    def table(self) -> str:
        """The page of the experiment, with the tags of its runs."""
        return f"{self.experiment.get_absolute_url()}?column=state&column=tags"


class Worker:
    """Reports for the first run of an experiment, as a job does."""

    def __init__(self, portal: Portal, experiment: Experiment) -> None:
        allocation = Allocation.objects.create(
            owner_id=experiment.pk,
            backend=settings.DEFAULT_BACKEND,
            state="submitted",
            workers=1,
            cpus_per_worker=1,
            gpus_per_worker=0,
            package_key="packages/x.zip",
        )
        run = lease_next(allocation=allocation, group_id=uuid4().hex, environment={}).run
        assert run is not None
        self._keys = {"attempt": run["attempt"], "fence": run["fence"], "rank": 0}
        self._url = f"{portal.url}/harness/v1/runs/{run['id']}/batches"
        self._headers = {"Authorization": f"Bearer {allocation_token(allocation)}"}

    def report(self, seq: int, first: int, last: int) -> None:
        """A batch of one point per step."""
        steps = list(range(first, last + 1))
        columns = {
            "steps": steps,
            "values": [step / 100 for step in steps],
            "times": [1.7e9 + step for step in steps],
        }
        batch = {**self._keys, "seq": seq, "points": [{"name": "accuracy", **columns}]}
        answer = httpx.post(
            self._url, json=batch, headers=self._headers, timeout=PATIENT_MS / 1000, trust_env=False
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def make_team(portal: Portal) -> Callable[[str], Team]:
    """Rows have to be there before a browser is: Django refuses to work where Playwright's loop runs."""

    def made(name: str) -> Team:
        owner, editor = (user_create(f"{name}-{role}") for role in ("owner", "editor"))
        project = project_create(user=owner, name=name.capitalize())
        Membership.objects.create(project=project, user=editor, role=Role.EDITOR)
        portal.sessions.update({who.username: session_of(who) for who in (owner, editor)})
        experiment = experiment_create(
            user=owner,
            project=project,
            bundle=bundle_from_upload(user=owner, project=project, filename="train.py", content=CODE),
            definition=Definition(name="First", entrypoint="train:train", objective_metric="accuracy"),
            param_sets=[{"lr": 0.1}, {"lr": 0.2}],
        )
        return Team(owner, editor, experiment)

    return made


@pytest.fixture(scope="module")
def pair(make_team: Callable[[str], Team]) -> Team:
    return make_team("pair")


@pytest.fixture(scope="module")
def climb(make_team: Callable[[str], Team]) -> Team:
    return make_team("climb")


@pytest.fixture(scope="module")
def worker(portal: Portal, climb: Team) -> Worker:
    return Worker(portal, climb.experiment)


def aside(work: Callable[[], Any]) -> None:
    """Do it in another thread than Playwright's."""

    def done() -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(done).result()


def watch(page: Page, path: str) -> None:
    """Go there, and stay in the one document that is live."""
    page.goto(path)
    expect(page.locator("#live-status")).to_have_text("Live", timeout=PATIENT_MS)
    page.evaluate("window.sameDocument = true")


def curve(page: Page, folder: Path) -> list[tuple[str, float]]:
    """All points that the chart shows: steps, values."""
    chart = page.locator("#learning-curve")
    chart.get_by_label("Download").click()
    with page.expect_download() as download:
        chart.get_by_role("button", name="Download CSV").click()
    download.value.save_as(folder / "curve.csv")
    with (folder / "curve.csv").open() as file:
        return [(line["step"], float(line["accuracy"])) for line in csv.DictReader(file)]


def test_the_runs_table_by_keys(visitor: Visitor) -> None:
    page = visitor.open(visitor.portal.seeded.owner)
    page.goto(visitor.portal.seeded.ended.get_absolute_url())
    rows = page.locator(".runs-table tbody .row-link")
    expect(rows).to_have_count(4)
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    bar = page.get_by_role("group", name="Selected runs")
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 selected")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of the runs table")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#where")).to_be_focused()
    page.keyboard.type("params.lr < 0.003 ")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile("where="))
    page.locator("#where").blur()
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    number = rows.nth(0).inner_text().split()[-1]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=f"Run #{number}")).to_be_visible()


def test_pinned_runs_and_runs_by_a_parameter(visitor: Visitor) -> None:
    page = visitor.open(visitor.portal.seeded.owner)
    page.goto(visitor.portal.seeded.ended.get_absolute_url())
    pinned, rows = page.locator(".pinned-rows tr"), page.locator(".runs-table tbody tr")
    page.get_by_label("Select run 3", exact=True).check()
    page.get_by_role("group", name="Selected runs").get_by_role("button", name="Pin").click()
    expect(pinned).to_have_count(1)
    expect(pinned.locator(".row-link")).to_contain_text("3")
    # The address has it, whatever the order is; a run stands in one place.
    page.get_by_role("link", name="lr", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("lr")
    expect(pinned.locator(".row-link")).to_contain_text("3")
    page.reload()
    expect(pinned.locator(".row-link")).to_contain_text("3")
    expect(rows).to_have_count(4)
    page.get_by_role("link", name="Unpin run 3").click()
    expect(pinned).to_have_count(0)
    expect(rows).to_have_count(4)

    page.get_by_text("By parameter").click()
    page.get_by_role("navigation", name="Show").get_by_role("link", name="optimizer").click()
    expect(rows).to_have_count(2)
    reached = {n: 0.95 - 0.85 * math.exp(-60 / (8 + 3 * n)) for n in (1, 2, 3, 4)}
    for optimizer, numbers in (("adam", (1, 4)), ("sgd", (2, 3))):
        values = [reached[n] for n in numbers]
        row = rows.filter(has=page.get_by_role("rowheader", name=optimizer, exact=True))
        mean, deviation = map(float, row.locator("td.objective").inner_text().split("±"))
        assert mean == pytest.approx(fmean(values), abs=1e-3)
        assert deviation == pytest.approx(stdev(values), rel=0.1)
    rows.filter(has_text="sgd").get_by_role("link").click()
    expect(rows).to_have_count(2)
    expect(page.locator("#where")).to_have_value(re.compile("optimizer = .?sgd"))


def test_a_dropped_file_and_a_large_one_on_its_way(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open(visitor.portal.seeded.owner)
    page.goto(reverse("experiment_new", args=["vision"]))
    zone = page.locator("[data-drop]")
    carried = {"dataTransfer": page.evaluate_handle(DROPPED, ["own.py", CODE.decode()])}
    zone.dispatch_event("dragover", carried)
    expect(zone).to_have_class(re.compile("is-over"))
    zone.dispatch_event("drop", carried)
    expect(zone).not_to_have_class(re.compile("is-over"))
    page.get_by_role("button", name="Upload and check").click()
    expect(page.locator("#code-step")).to_contain_text("own.py")

    # Other code instead, over a slow line.
    page.get_by_label("Name", exact=True).fill("Kept")
    (tmp_path / "large.zip").write_bytes(pack({"train.py": CODE, "weights.bin": os.urandom(4 * MB)}))
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MB}
    network.send("Network.emulateNetworkConditions", slow)
    page.get_by_text("Other code, with what is filled in here").click()
    page.get_by_label("Training code").set_input_files(tmp_path / "large.zip")
    page.get_by_role("button", name="Upload and check").click()
    progress = page.locator("[data-upload-progress]")
    expect(progress.get_by_role("progressbar", name="Upload")).to_be_visible()
    expect(progress).to_contain_text(re.compile(r"\d\.\d of 4\.0 MB, about \d+ s left"))
    expect(page.locator("#code-step")).to_contain_text("large.zip", timeout=PATIENT_MS)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Kept")


def test_two_people_see_what_each_of_them_does(pair: Team, visitor: Visitor) -> None:
    hers, his = visitor.open(pair.owner), visitor.open(pair.editor)
    watch(his, pair.place)
    hers.goto(pair.experiment.get_absolute_url())
    hers.get_by_role("link", name="Clone").click()
    hers.get_by_label("Name", exact=True).fill("Together")
    hers.get_by_role("button", name=re.compile("Launch")).click()
    expect(hers.get_by_role("heading", level=1, name="Together")).to_be_visible()
    expect(his.get_by_role("link", name="Together")).to_be_visible()
    assert his.evaluate("window.sameDocument") is True

    watch(his, pair.table)
    hers.goto(pair.table)
    bar = hers.get_by_role("group", name="Selected runs")
    hers.get_by_label("Select run 1", exact=True).check()
    bar.get_by_label("Tag as name=value").fill("kind=ablation")
    bar.get_by_role("button", name="Tag", exact=True).click()
    tag = "kind: ablation"
    expect(hers.locator("#overview tbody")).to_contain_text(tag)
    expect(his.locator("#overview tbody")).to_contain_text(tag)
    assert his.evaluate("window.sameDocument") is True

    # The other way round.
    watch(hers, pair.table)
    his.get_by_label("Select run 2", exact=True).check()
    his.get_by_role("group", name="Selected runs").get_by_role("button", name="Cancel").click()
    his.get_by_role("button", name="Yes, do it").click()
    for page in (his, hers):
        expect(page.locator("#overview tbody .state-canceled")).to_have_count(1)
    assert hers.evaluate("window.sameDocument") is True

    # Somebody is taken out of the project while the page is open.
    watch(his, pair.table)
    admin = visitor.open(visitor.portal.seeded.staff)
    admin.goto(reverse("admin:accounts_project_change", args=[pair.experiment.project_id]))
    row = admin.locator("tr.has_original", has_text=pair.editor.username)
    row.locator("input[name$=DELETE]").check()
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_text("was changed successfully")).to_be_visible()
    expect(his.locator("#live-status")).to_have_text("Not live: reload the page")
    hers.get_by_label("Select run 1", exact=True).check()
    bar.get_by_label("Tag as name=value").fill("kind=secret")
    bar.get_by_role("button", name="Tag", exact=True).click()
    expect(hers.locator("#overview tbody")).to_contain_text("kind: secret")
    expect(his.locator("#overview tbody")).to_contain_text(tag)
    gone = his.reload()
    assert gone is not None
    assert gone.status == 404
    stranger = visitor.open(visitor.portal.seeded.newcomer)
    stranger.goto("/")
    assert stranger.evaluate(LISTEN, f"/ws/live/experiment/{pair.experiment.pk}/") == [4404, 0]


def test_a_page_catches_up_after_the_web_process_restarts(
    climb: Team, worker: Worker, visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.open(climb.owner)
    watch(page, climb.experiment.get_absolute_url())
    plot, status = page.locator(".chart-plot"), page.locator("#live-status")
    rows = page.locator(".runs-table tbody tr")
    worker.report(1, 1, 20)
    expect(plot).to_have_attribute("aria-label", re.compile(r"run 1 0\.2$"))
    assert curve(page, tmp_path) == [(str(step), step / 100) for step in range(1, 21)]
    expect(rows).to_have_count(2)

    visitor.portal.web.stop(signal.SIGKILL)
    expect(status).to_have_text("Reconnecting…")
    aside(lambda: runs_add(user=climb.owner, experiment=climb.experiment, param_sets=[{"lr": 0.3}]))
    visitor.portal.web.start()
    expect(status).to_have_text("Live", timeout=PATIENT_MS)
    expect(rows).to_have_count(3)
    # A worker that has heard no answer sends its batch again.
    worker.report(1, 1, 20)
    worker.report(2, 21, 40)
    expect(plot).to_have_attribute("aria-label", re.compile(r"run 1 0\.4$"))
    assert curve(page, tmp_path) == [(str(step), step / 100) for step in range(1, 41)]
    expect(rows).to_have_count(3)
    assert page.evaluate("window.sameDocument") is True
