import pytest

from mlplatform.kernel import env
from mlplatform.kernel.errors import ConfigurationError

REQUIRED = {
    "MLP_SECRET_KEY": "x",
    "MLP_DATABASE_URL": "postgresql:///x",
    "MLP_VALKEY_URL": "redis://127.0.0.1",
    "MLP_MLFLOW_URL": "http://127.0.0.1:1",
    "MLP_RAY_ADDRESS": "http://127.0.0.1:1",
    "MLP_RAY_CPUS": "2",
    "MLP_STORAGE": "/x",
    "MLP_PORTAL_URL": "http://127.0.0.1:2",
}


def test_versions_of_the_cluster() -> None:
    found = env.read(REQUIRED | {"MLP_RAY_PACKAGES": "ray==2.60.0, torch == 2.13.0+cpu,"})
    assert found["MLP_RAY_PACKAGES"] == {"ray": "2.60.0", "torch": "2.13.0+cpu"}


@pytest.mark.parametrize("text", ["ray", "ray=2.60", "ray==", "ray>=2.60", "ray==new"])
def test_what_is_no_version_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"MLP_RAY_PACKAGES: '{text}' is not name==version"):
        env.read(REQUIRED | {"MLP_RAY_PACKAGES": text})


def test_groups_give_roles() -> None:
    text = "ml-admins=admin, /ml/vision = vision:editor, a=b=speech:viewer,"
    found = env.read(REQUIRED | {"MLP_OIDC_GROUPS": text})["MLP_OIDC_GROUPS"]
    assert found == (
        ("ml-admins", "", "admin"),
        ("/ml/vision", "vision", "editor"),
        ("a=b", "speech", "viewer"),
    )


@pytest.mark.parametrize(
    "text", ["vision:editor", "team=vision", "team=vision:boss", "=admin", "team=vision:admin"]
)
def test_what_gives_nothing_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"MLP_OIDC_GROUPS: .* is neither"):
        env.read(REQUIRED | {"MLP_OIDC_GROUPS": text})


@pytest.mark.parametrize("text", ["smtp://mail", "smtp+tls://me:p%40ss@mail:587", "smtps://mail.example.org"])
def test_mail_servers(text: str) -> None:
    assert env.read(REQUIRED | {"MLP_EMAIL_URL": text})["MLP_EMAIL_URL"] == text


@pytest.mark.parametrize(
    "text", ["mail.example.org", "smtp://", "http://mail", "smtp://mail:x", "smtp://mail:0"]
)
def test_what_is_no_mail_server(text: str) -> None:
    with pytest.raises(ConfigurationError, match="MLP_EMAIL_URL"):
        env.read(REQUIRED | {"MLP_EMAIL_URL": text})


def test_an_issuer_is_asked_by_tls_only() -> None:
    with pytest.raises(ConfigurationError, match="MLP_OIDC_URL: expected https"):
        env.read(REQUIRED | {"MLP_OIDC_URL": "http://sso.example.org"})
    for text in ("https://sso.example.org/realms/ml", "http://127.0.0.1:8080/realms/ml"):
        assert env.read(REQUIRED | {"MLP_OIDC_URL": text})["MLP_OIDC_URL"] == text
