"""Where the pages are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from experiments.models import Experiment
from tests.fixtures import PASSWORD
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
    yield Place("not-found-signed-in", owner, "/p/nothing/")
    yield Place("password-change", owner, reverse("account_change_password"))
    yield Place("email", owner, reverse("account_email"))
    yield Place("logout", owner, reverse("account_logout"))
    yield from _of_account(seeded)
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


def _of_account(seeded: Seeded) -> Iterator[Place]:
    """How one signs in, and what protects an account. The administrator has an authenticator app, the owner has not."""
    for name in ("mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn"):
        yield Place(name.replace("_", "-"), seeded.owner, reverse(name))
    for name in ("usersessions_list", "socialaccount_connections", "account_reauthenticate"):
        yield Place(name.replace("_", "-"), seeded.owner, reverse(name))
    for name in (
        "index",
        "deactivate_totp",
        "view_recovery_codes",
        "generate_recovery_codes",
        "reauthenticate",
    ):
        yield Place(f"factor-{name.replace('_', '-')}", seeded.staff, reverse(f"mfa_{name}"))
    yield Place("second-step", None, reverse("account_login"), _second_step)
    yield Place("confirm-email", None, reverse("account_confirm_email", args=[_email_key(seeded.owner)]))
    for name in (
        "account_inactive",
        "account_email_verification_sent",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "socialaccount_login_error",
        "socialaccount_login_cancelled",
    ):
        yield Place(name.replace("_", "-"), None, reverse(name))


def admin_places(seeded: Seeded) -> Iterator[Place]:
    """Pages of Django's administration, which is not ours to draw."""
    for path in ("mfa/authenticator/", "usersessions/usersession/", "accounts/keptmail/"):
        yield Place(f"admin-{path}", seeded.staff, f"/admin/{path}")
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


def _email_key(user: User) -> str:
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email, primary=True)
    return str(EmailConfirmationHMAC(address).key)


def _second_step(page: Page) -> None:
    page.get_by_label("Username or email").fill("stefan")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code").wait_for()


def _as_yaml(page: Page) -> None:
    page.get_by_role("button", name="As YAML").click()
    page.locator("textarea[name=yaml]").wait_for()


def _preview(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Wider")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").get_by_text("1 run").first.wait_for()
