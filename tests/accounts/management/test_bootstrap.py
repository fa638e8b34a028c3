from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def password_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("admin", "demo"):
        (tmp_path / name).write_text(f"secret of {name}\n")
        monkeypatch.setenv(f"MLP_{name.upper()}_PASSWORD_FILE", str(tmp_path / name))
    return tmp_path


def test_the_first_accounts_are_made_once(password_files: Path) -> None:
    call_command("bootstrap", "--migrate", verbosity=0)
    admin, demo = User.objects.order_by("username")
    assert (admin.username, admin.is_superuser, demo.username, demo.is_superuser) == (
        "admin",
        True,
        "demo",
        False,
    )
    assert demo.check_password("secret of demo")
    demo.set_password("changed by its owner")
    demo.save()
    call_command("bootstrap")
    demo.refresh_from_db()
    assert demo.check_password("changed by its owner")
    demo.delete()
    call_command("bootstrap")
    assert not User.objects.filter(username="demo").exists(), "whoever removed it meant it"


def test_without_password_files_there_are_no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLP_ADMIN_PASSWORD_FILE", raising=False)
    monkeypatch.delenv("MLP_DEMO_PASSWORD_FILE", raising=False)
    call_command("bootstrap")
    assert not User.objects.exists()


def test_an_empty_password_is_refused(password_files: Path) -> None:
    (password_files / "admin").write_text("\n")
    with pytest.raises(CommandError, match="MLP_ADMIN_PASSWORD_FILE"):
        call_command("bootstrap")
