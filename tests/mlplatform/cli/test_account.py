import getpass
import json
from pathlib import Path

import httpx
import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings

from accounts.models import ApiToken, User
from accounts.services.tokens import token_create
from mlplatform.cli.client import PortalClient
from mlplatform.cli.main import main
from tests.fixtures import PASSWORD
from tests.mlplatform.cli.conftest import Mlp

URL = settings.PORTAL_URL


def test_log_in_with_a_password_and_out_again(
    bare: Mlp, owner: User, login_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "olivia")
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSWORD)
    said = bare("login", f"{URL}/")
    assert (said.code, said.err) == (0, "")
    assert f"Logged in to {URL} as olivia." in said.out
    assert ApiToken.objects.get().name.startswith("mlp on ")
    assert json.loads(login_path.read_text())["url"] == URL
    assert bare("whoami").out.startswith(f"olivia at {URL}, token mlp_")
    assert "(admin) until 20" in bare("whoami").out
    assert json.loads(bare("whoami", "--json").out)["username"] == "olivia"
    assert bare("logout").code == 0
    assert not login_path.exists()
    assert not ApiToken.objects.exists()
    assert bare("logout").code == 2


def test_log_in_from_a_script(bare: Mlp, owner: User) -> None:
    assert bare("login", URL, "--user", "olivia", "--password", "-", stdin=f"{PASSWORD}\n").code == 0
    _, token = token_create(user=owner, name="ci")
    assert bare("login", URL, "--token", "-", stdin=f"{token}\n").code == 0
    assert bare("login", URL, "--token", "-", stdin="").code == 2


def test_the_second_factor_is_asked_for_where_there_is_one(
    bare: Mlp, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery = RecoveryCodes.activate(owner)
    TOTP.activate(owner, generate_totp_secret())
    first, second = recovery.get_unused_codes()[:2]
    answers = iter([first])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSWORD)
    assert bare("login", URL, "--user", "olivia").code == 0
    script = ("login", URL, "--user", "olivia", "--password", "-")
    assert bare(*script, "--code", second, stdin=PASSWORD).code == 0
    assert bare(*script, "--code", second, stdin=PASSWORD).code == 1
    refused = bare(*script, stdin=PASSWORD)
    assert refused.code == 1
    assert "page API tokens" in refused.err


@pytest.mark.parametrize("words", [["--user", "olivia", "--password", "-"], ["--token", "-"]])
def test_wrong_credentials_keep_nothing(bare: Mlp, owner: User, login_path: Path, words: list[str]) -> None:
    said = bare("login", URL, *words, stdin="wrong\n")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("mlp: The ")
    assert "mlp login" not in said.err
    assert not login_path.exists()


def test_a_token_that_is_dead_can_be_forgotten(bare: Mlp, owner: User, login_path: Path) -> None:
    bare("login", URL, "--user", "olivia", "--password", "-", stdin=PASSWORD)
    ApiToken.objects.all().delete()
    said = bare("whoami")
    assert (said.code, said.err.count("mlp login URL")) == (1, 1)
    assert bare("logout").code == 0
    assert not login_path.exists()


def test_a_login_that_is_not_used_or_not_safe_says_so(bare: Mlp, owner: User) -> None:
    environ = {"MLP_TOKEN": "x"}
    said = bare("login", URL, "--user", "olivia", "--password", "-", stdin=PASSWORD, environ=environ)
    assert "MLP_TOKEN is set" in said.err
    settings.ALLOWED_HOSTS.append("ml.example.org")
    said = bare("login", "http://ml.example.org", "--user", "olivia", "--password", "-", stdin=PASSWORD)
    settings.ALLOWED_HOSTS.remove("ml.example.org")
    assert "not encrypted" in said.err


def test_nobody_is_logged_in(bare: Mlp) -> None:
    said = bare("projects")
    assert (said.code, said.out) == (2, "")
    assert "mlp login URL" in said.err


def test_a_portal_that_is_not_there(bare: Mlp) -> None:
    # Port 9 is discard: nothing listens on it.
    environ = {"MLP_URL": "http://127.0.0.1:9", "MLP_TOKEN": "x"}
    said = bare("projects", environ=environ, connect=PortalClient)
    assert said.code == 3
    assert "The portal at http://127.0.0.1:9 does not answer" in said.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, text="<html>"), "is not this portal"),
        (httpx.Response(302, headers={"Location": "https://a/"}), "sends us on to https://a/"),
        (httpx.Response(502, text="Bad Gateway"), "HTTP 502: Bad Gateway"),
    ],
)
def test_something_else_that_answers(bare: Mlp, answer: httpx.Response, words: str) -> None:
    said = bare(
        "projects",
        environ={"MLP_URL": "http://a", "MLP_TOKEN": "x"},
        connect=lambda url, token: PortalClient(
            url, token, transport=httpx.MockTransport(lambda request: answer)
        ),
    )
    assert said.code == 1
    assert words in said.err


def test_what_makes_no_sense_is_exit_code_2(bare: Mlp) -> None:
    assert bare("fly").code == 2
    assert bare("login", "here").code == 2
    assert bare("runs").code == 2


def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listing = capsys.readouterr().out.partition("options:")[0]
    verbs = [line.split()[0] for line in listing.splitlines() if line.startswith("    ") and line[4] != " "]
    assert len(verbs) == 25
    for verb in verbs:
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        assert f"example:\n  mlp {verb}" in capsys.readouterr().out, verb
