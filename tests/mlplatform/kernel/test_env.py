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
