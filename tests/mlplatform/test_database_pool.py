"""While PostgreSQL is away, requests are refused in time, and soon after it is back they are served again."""

import time
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from mlplatform.settings import DATABASE_POOL
from runners.harness import client, deaths, pulse
from tests.stack import SERVERS


@pytest.mark.parametrize("edge", [client, deaths, pulse])
def test_the_portal_answers_before_the_harness_gives_up(edge: object) -> None:
    assert DATABASE_POOL["timeout"] < getattr(edge, "TIMEOUT_S")  # noqa: B009  # three modules alike


def test_a_database_that_is_back_is_found_within_one_timeout(tmp_path: Path) -> None:
    reachable = SERVERS.environment()["MLP_DATABASE_URL"]
    sockets = tmp_path / "s"
    away = make_conninfo(reachable, host=str(sockets))
    with ConnectionPool(away, **DATABASE_POOL, open=True) as pool:
        with pytest.raises(PoolTimeout), pool.connection():
            pass
        # With pauses that double, the next try would come too late now.
        time.sleep(1)
        sockets.symlink_to(str(conninfo_to_dict(reachable)["host"]))
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
