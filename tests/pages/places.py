"""Where the pages are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from experiments.models import Experiment
from tests.pages.seed import Seeded


@dataclass(frozen=True)
class Place:
    """A page of the portal: its name, who looks, where it is, and what to do there first."""

    name: str
    who: User | None
    path: str
    begin: Callable[[Page], None] = lambda page: None


def places(seeded: Seeded) -> Iterator[Place]:
    """Every page that people see."""
    owner = seeded.owner
    for name, path in (
        ("login", "/accounts/login/"),
        ("signup", "/accounts/signup/"),
        ("not-found", "/nothing/"),
    ):
        yield Place(name, None, path)
    yield Place("password-reset", None, reverse("account_reset_password"))
    for path in ("projects/", "models/", "queue/", "profile/", "tokens/", "projects/new/"):
        yield Place(path.strip("/").replace("/", "-"), owner, f"/{path}")
    yield Place("dashboard", owner, "/")
    yield Place("dashboard-new", seeded.newcomer, "/")
    yield Place("project-empty", owner, reverse("project", args=["sandbox"]))
    yield Place("not-found-signed-in", owner, "/p/nothing/")
    yield Place("password-change", owner, reverse("account_change_password"))
    yield Place("email", owner, reverse("account_email"))
    yield Place("logout", owner, reverse("account_logout"))
    yield Place("overview", seeded.staff, "/overview/")
    for name, path in _of_project(seeded.running):
        yield Place(name, owner, path)
    configure = reverse("experiment_configure", args=["vision", seeded.running.bundle_id])
    yield Place("new-form", owner, configure)
    yield Place("new-preview", owner, configure, _preview)
    yield Place("new-yaml", owner, configure, _as_yaml)
    for name, path in _of_experiment(seeded.running):
        yield Place(name, owner, path)
    yield Place("experiment-ended", owner, seeded.ended.get_absolute_url())
    yield Place("runs-grouped", owner, f"{seeded.ended.get_absolute_url()}?group=params.optimizer")


def admin_places(seeded: Seeded) -> Iterator[Place]:
    """Pages of Django's administration, which is not ours to draw."""
    for path in ("", "accounts/user/", f"accounts/user/{seeded.owner.pk}/change/", "password_change/"):
        yield Place(f"admin-{path}", seeded.staff, f"/admin/{path}")


def _of_project(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for name in ("project", "project_models", "project_members", "project_usage", "project_settings"):
        yield name.replace("_", "-"), reverse(name, args=["vision"])
    yield "model", reverse("model", args=["vision", "vision.baseline"])
    yield "model-version", reverse("model_version", args=["vision", "vision.baseline", 2])
    yield "new-code", reverse("experiment_new", args=["vision"])
    runs = urlencode([("run", run.pk) for run in experiment.runs.all()[:4]])
    yield "compare", f"{reverse('compare', args=['vision'])}?{runs}"


def _of_experiment(experiment: Experiment) -> Iterator[tuple[str, str]]:
    args = ["vision", experiment.slug]
    names = ("experiment", "analysis", "code", "events", "runs_add", "experiment_edit")
    for name in names:
        yield name.replace("_", "-"), reverse(name, args=args)
    for name, number in (("run-completed", 1), ("run-failed", 6), ("run-running", 8), ("run-queued", 9)):
        yield name, reverse("run", args=[*args, number])
    yield "run-fork", reverse("run_fork", args=[*args, 1])


def _as_yaml(page: Page) -> None:
    page.get_by_role("button", name="As YAML").click()
    page.locator("textarea[name=yaml]").wait_for()


def _preview(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Wider")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").get_by_text("1 run").first.wait_for()
