"""Settings as a process reads them."""

import json
import os
import subprocess
import sys

import pytest

from tests.stack import ROOT, SERVERS

NAMES = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_BACKEND")
CODE = f"import json, mlplatform.sign_in as s; print(json.dumps([getattr(s, name) for name in {NAMES}]))"


def read(**given: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SERVERS.environment(), **given}
    return subprocess.run(
        [sys.executable, "-c", CODE], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("url", "values"),
    [
        ("", ["", 25, "", False, False, "accounts.services.mail.KeptBackend"]),
        ("smtp://mail", ["mail", 25, "", False, False, "accounts.services.mail.SmtpBackend"]),
        (
            "smtp+tls://me:p%40ss@mail",
            ["mail", 587, "p@ss", True, False, "accounts.services.mail.SmtpBackend"],
        ),
        ("smtps://mail:4650", ["mail", 4650, "", False, True, "accounts.services.mail.SmtpBackend"]),
    ],
)
def test_mail(url: str, values: list[object]) -> None:
    assert json.loads(read(MLP_EMAIL_URL=url).stdout) == values


def test_an_issuer_needs_a_client() -> None:
    assert "MLP_OIDC_CLIENT_ID is not" in read(MLP_OIDC_URL="https://sso.example.org").stderr
