"""A fake portal on a loopback port, and the lease of one of its runs."""

from collections.abc import Iterator

import pytest

from runners.harness.client import PortalClient
from runners.harness.protocol import Lease
from tests.runners.harness.fake_portal import TOKEN, FakePortal, FakeRun
from tests.runners.harness.ray_jobs import RayCluster, local_ray


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[RayCluster]:
    """A local Ray, shared by all tests of the harness."""
    with local_ray() as cluster:
        yield cluster


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    portal = FakePortal()
    portal.start()
    yield portal
    portal.stop()


@pytest.fixture
def client(portal: FakePortal) -> Iterator[PortalClient]:
    client = PortalClient(portal.url, TOKEN, timeout_s=5.0)
    yield client
    client.close()


@pytest.fixture
def run(portal: FakePortal) -> FakeRun:
    return portal.add(config={"lr": 0.1}, progress_total=4)


@pytest.fixture
def lease(portal: FakePortal, client: PortalClient, run: FakeRun) -> Lease:
    reply = client.post("/leases", {"group": "group-1", "environment": {}})
    return Lease.from_json(reply.body["run"])
