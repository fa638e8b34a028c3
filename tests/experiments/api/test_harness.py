import json
import uuid
from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Attempt, Experiment, MetricBatch, Run
from mlplatform.kernel import clock
from runners.harness.batches import heartbeat
from runners.harness.wire import encode
from runners.models import Allocation, Lease
from runners.services.packages import package_build, package_url
from tests.logs import told

Api = Callable[..., APIClient]
LEASES = "/harness/v1/leases"


def test_lease_batch_and_end(api: Api, allocation: Allocation, experiment: Experiment) -> None:
    client = api(allocation)
    lease = client.post(LEASES, {"group": "g", "environment": {}}, format="json").json()
    assert lease["order"] == "run"
    run = lease["run"]
    path = f"/harness/v1/runs/{run['id']}/batches"
    keys = {"attempt": run["attempt"], "fence": run["fence"], "rank": 0}
    points = [{"name": "loss", "steps": [1], "values": [0.5], "times": [1.0]}]
    assert client.post(path, keys | {"seq": 1, "points": points}, format="json").json() == {
        "order": "continue",
        "expected": 2,
    }
    gap = client.post(path, keys | {"seq": 5}, format="json")
    assert (gap.status_code, gap.json()["code"], gap.json()["expected"]) == (409, "gap", 2)
    fenced = client.post(path, keys | {"seq": 2, "fence": 999999}, format="json")
    assert (fenced.status_code, fenced.json()["code"]) == (409, "fenced")
    end = {"outcome": "completed", "cause": None}
    assert client.post(path, keys | {"seq": 2, "end": end}, format="json").status_code == 200
    assert experiment.runs.get(number=1).state == "completed"
    following = client.post(LEASES, {"group": "g", "environment": {}}, format="json").json()
    assert following["run"]["number"] == 2


def test_a_batch_as_msgpack(api: Api, allocation: Allocation) -> None:
    client = api(allocation)
    run = client.post(LEASES, {"group": "g", "environment": {}}, format="json").json()["run"]
    path = f"/harness/v1/runs/{run['id']}/batches"
    column = {"name": "loss", "steps": [1, 2], "values": [0.5, float("nan")], "times": [1.0, 2.0]}
    payload = heartbeat() | {"points": [column], "log": "said\n"}
    keys = {"attempt": run["attempt"], "fence": run["fence"], "rank": 0, "seq": 1}
    body, kind = encode(payload | keys)
    assert kind == "application/msgpack"
    assert client.post(path, body, content_type=kind).json() == {"order": "continue", "expected": 2}
    batch = MetricBatch.objects.get()
    assert (batch.steps, repr(batch.values), batch.times) == ([1, 2], "[0.5, nan]", [1.0, 2.0])
    odd = heartbeat() | keys | {"seq": 2, "log": "a\udcffb\n"}
    assert client.post(path, encode(odd)[0], content_type=kind).json() == {"order": "continue", "expected": 3}
    assert told(Run.objects.get(pk=run["id"])) == ["said", "a\ufffd\ufffd\ufffdb"]
    bad = client.post(path, b"\xc1", content_type=kind)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid")
    assert "not msgpack" in bad.json()["detail"]


def test_packages_are_kept_once_per_allocation(
    api: Api, allocation: Allocation, experiment: Experiment
) -> None:
    client = api(allocation)
    told = {"group": "g", "environment": {"torch": "2.13"}, "packages": ["ray==2.60", "torch==2.13"]}
    client.post(LEASES, told, format="json")
    Lease.objects.update(released_at=clock.now(), release_reason="completed")
    Run.objects.filter(number=1).update(state="completed")
    client.post(LEASES, {"group": "g"}, format="json")
    allocation.refresh_from_db()
    assert allocation.environment == {"torch": "2.13", "packages": ["ray==2.60", "torch==2.13"]}
    assert list(Attempt.objects.values_list("environment", flat=True)) == [{"torch": "2.13"}] * 2


def test_the_answer_to_an_end_carries_the_next_run(api: Api, allocation: Allocation) -> None:
    client = api(allocation)
    lease = client.post(LEASES, {"group": "g", "environment": {}}, format="json").json()["run"]
    path = f"/harness/v1/runs/{lease['id']}/batches"
    end = {"outcome": "completed", "cause": None, "group": "g"}
    batch = {"attempt": 1, "fence": lease["fence"], "rank": 0, "seq": 1, "end": end}
    answer = client.post(path, batch, format="json").json()
    assert (answer["expected"], answer["next"]["order"], answer["next"]["run"]["number"]) == (2, "run", 2)
    assert client.post(path, batch, format="json").json() == answer, "sent again"
    asked = client.post(LEASES, {"group": "g"}, format="json").json()
    assert asked == answer["next"]
    other = client.post(path, batch | {"end": end | {"group": "another"}}, format="json").json()
    assert other == {"order": "continue", "expected": 2}


def test_only_with_an_allocation_token(api: Api, owner: User, allocation: Allocation) -> None:
    run = "/harness/v1/runs/00000000-0000-0000-0000-000000000000/batches"
    for path in (LEASES, run):
        for client in (api(), api(owner)):
            assert client.post(path, {}, format="json").status_code == 401
    for path in ("/api/v1/me/", "/api/v1/projects/"):
        assert api(allocation).get(path).status_code == 401
    Allocation.objects.update(state="ended")
    assert api(allocation).post(LEASES, {"group": "g"}, format="json").status_code == 401


def test_malformed_bodies(api: Api, allocation: Allocation, settings: Any) -> None:
    client = api(allocation)
    for body in (b"", b"{", b"[]", b'{"group": 7}', b"\xff", b"[" * 100_000):
        answer = client.post(LEASES, body, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), body[:20]
    settings.MAX_BATCH_BYTES = 100
    big = json.dumps({"group": "g" * 200})
    assert client.post(LEASES, big, content_type="application/json").status_code == 413


def test_a_package_needs_its_signature_and_nothing_else(api: Api) -> None:
    url = package_url(package_build({"train.py": b"x"}))
    path = url[url.index("/harness") :]
    answer = api().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert api().get(path.replace("packages/", "packages/x")).status_code == 404


def test_a_job_writes_nothing_about_a_run_of_another(api: Api, allocation: Allocation, leased: Any) -> None:
    """Whatever it knows of the other's lease: it may be of a project that its own people cannot see."""
    _, run, lease = leased
    other = Allocation.objects.get(pk=allocation.pk)
    other.pk, other.owner_id, other._state.adding = uuid.uuid4(), uuid.uuid4(), True
    other.save()
    keys = {"attempt": lease["attempt"], "fence": lease["fence"]}
    end = {"outcome": "completed", "cause": None}
    batch = api(other).post(
        f"/harness/v1/runs/{run.pk}/batches",
        keys | {"rank": 0, "seq": 1, "log": "x\n", "end": end},
        format="json",
    )
    beat = api(other).post("/harness/v1/heartbeats", keys | {"run": str(run.pk)}, format="json")
    assert (batch.status_code, beat.status_code, beat.json()["code"]) == (404, 409, "fenced")
    run.refresh_from_db()
    assert (run.is_terminal, told(run)) == (False, [])
    # It is asked for runs of its own experiment, which has none.
    assert "run" not in api(other).post(LEASES, {"group": "g"}, format="json").json()
    assert Lease.objects.count() == 1


def test_a_job_reads_nothing_of_the_portal(api: Api, allocation: Allocation, experiment: Experiment) -> None:
    for path in (
        "me/",
        "projects/",
        f"experiments/{experiment.pk}/",
        f"runs/{experiment.runs.all()[0].pk}/logs/",
    ):
        assert api(allocation).get(f"/api/v1/{path}").status_code == 401, path
