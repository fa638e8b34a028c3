"""MLflow's own server beside the portal, with a database on the same PostgreSQL server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import psycopg

from tests.servers.mlflow import running
from tests.stack import Servers

DATABASE = "mlflow"


@contextmanager
def mlflow_beside(servers: Servers, folder: Path) -> Iterator[str]:
    """The server's URL; clients of this process speak to it."""
    with psycopg.connect(servers.database_url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    home = folder / "mlflow"
    home.mkdir()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with running(home, servers.database_url(DATABASE, driver="postgresql+psycopg")) as server:
        mlflow.set_tracking_uri(server.url)
        yield server.url
