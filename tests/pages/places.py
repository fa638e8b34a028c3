"""Where the pages are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import ProjectDeletion, Quota, User
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
    yield Place("invitation", None, reverse("invitation", args=[seeded.invited]))
    yield Place("password-reset", None, reverse("account_reset_password"))
    for path in ("projects/", "models/", "queue/", "profile/", "tokens/", "api-docs/", "projects/new/"):
        yield Place(path.strip("/").replace("/", "-"), owner, f"/{path}")
    yield Place("dashboard", owner, "/")
    yield Place("dashboard-new", seeded.newcomer, "/")
    yield Place("project-empty", owner, reverse("project", args=["sandbox"]))
    yield Place("not-found-signed-in", owner, "/p/nothing/")
    yield Place("password-change", owner, reverse("account_change_password"))
    yield Place("email", owner, reverse("account_email"))
    yield Place("logout", owner, reverse("account_logout"))
    yield Place("projects-archived", owner, "/projects/?state=archived")
    yield Place("project-archived", owner, reverse("project", args=["rotated-digits"]))
    yield Place("project-archived-settings", owner, reverse("project_settings", args=["rotated-digits"]))
    yield Place("project-members-viewer", seeded.viewer, reverse("project_members", args=["vision"]))
    yield Place("invitation-accept", seeded.staff, reverse("invitation", args=[seeded.invited]))
    for deletion in ProjectDeletion.objects.all():
        yield Place(f"project-deletion-{deletion.slug}", owner, deletion.get_absolute_url())
    yield Place("members-invited", owner, reverse("project_members", args=["vision"]), _invite)
    yield from _of_account(seeded)
    yield Place("overview", seeded.staff, "/overview/")
    yield Place("audit", seeded.staff, "/audit/")
    yield Place("audit-none", seeded.staff, "/audit/?person=nobody&from=2026-01-01")
    yield Place("token-new", owner, "/tokens/", _token)
    yield Place("token-rotate", owner, reverse("token_rotate", args=[seeded.token.pk]))
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
    yield Place("experiment-delete", owner, f"{seeded.ended.get_absolute_url()}delete/")


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
    quota = Quota.objects.get(scope="project", project__isnull=False, resource="cpu_hours")
    for path in (
        "",
        "accounts/project/",
        "accounts/invitation/",
        "accounts/invitation/add/",
        "accounts/projectdeletion/",
        "accounts/user/",
        f"accounts/user/{seeded.owner.pk}/change/",
        "accounts/quota/",
        "accounts/quota/add/",
        f"accounts/quota/{quota.pk}/change/",
        "runners/usageslice/",
        "password_change/",
    ):
        yield Place(f"admin-{path}", seeded.staff, f"/admin/{path}")


def _of_project(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for name in (
        "project",
        "project_models",
        "project_members",
        "project_usage",
        "project_audit",
        "project_tokens",
        "project_settings",
        "project_delete",
    ):
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
    yield "run-artifacts", reverse("run_artifacts", args=[*args, 1])
    yield "run-delete", reverse("run_delete", args=[*args, 1])
    yield "run-fork", reverse("run_fork", args=[*args, 1])


def _token(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Nightly sweep")
    page.get_by_role("button", name="Create token").click()
    page.locator("#new-token").wait_for()


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


def _invite(page: Page) -> None:
    page.get_by_role("button", name="Make the link").click()
    page.get_by_text("it is not shown again").wait_for()


def _preview(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Wider")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").get_by_text("1 run").first.wait_for()
    # It is dimmed while it is asked for again.
    page.locator(".preview:not(.htmx-request)").wait_for()
