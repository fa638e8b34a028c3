"""A fake portal on a loopback port, and the lease of one of its runs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from runners.harness.client import PortalClient
from runners.harness.consensus import Consensus
from runners.harness.protocol import Lease
from runners.harness.star import Centre, join
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


def eventually(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.01)


def connect(size):
    """One Star per rank."""
    centre = Centre("127.0.0.1", size)
    with ThreadPoolExecutor(size) as pool:
        others = [pool.submit(join, rank, centre.invitation) for rank in range(1, size)]
        return [centre.gather(), *(other.result() for other in others)]


@pytest.fixture(params=[2, 3, 8])
def ranks(request):
    """One Consensus per rank; `together` calls a function on all of them at once."""
    stars = connect(request.param)
    yield [Consensus(star, rank, len(stars)) for rank, star in enumerate(stars)]
    for star in stars:
        star.close()
