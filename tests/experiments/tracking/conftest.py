"""One MLflow server for all tests of this folder, on PostgreSQL as in a portal."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.servers import mlflow
from tests.servers.mlflow import MlflowServer
from tests.stack import SERVERS


@pytest.fixture(scope="session")
def mlflow_server(servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A running server."""
    portal = SERVERS.environment()["MLP_DATABASE_URL"]
    with psycopg.connect(portal, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mlflow")
    database = portal.replace("/mlplatform?", "/mlflow?").replace("postgresql:", "postgresql+psycopg:")
    with mlflow.running(tmp_path_factory.mktemp("mlflow"), database) as server:
        yield server
