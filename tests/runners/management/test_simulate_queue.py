import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Project, User
from mlplatform.kernel import clock
from runners.models import Allocation

pytestmark = pytest.mark.django_db


def simulate(*args: str) -> str:
    out = io.StringIO()
    call_command("simulate_queue", *args, stdout=out)
    return out.getvalue()


def found(*args: str) -> Any:
    return json.loads(simulate(*args, "--json"))


def recorded(project: Project, user: User, *, count: int, seconds: float) -> None:
    begin = clock.now() - timedelta(days=1)
    for number in range(count):
        start = begin + timedelta(seconds=number * seconds)
        row = Allocation.objects.create(
            owner_id=uuid.uuid4(), backend="local", state="ended", workers=1, cpus_per_worker=2, gpus_per_worker=0,
            package_key="x", project=project, user=user, submitted_at=start,
            ended_at=start + timedelta(seconds=seconds),
        )  # fmt: skip
        Allocation.objects.filter(pk=row.pk).update(created_at=begin)


def test_nothing_to_replay() -> None:
    with pytest.raises(CommandError, match="--generate"):
        simulate()


def test_what_was_recorded_is_replayed_under_other_weights_and_sizes(project: Project, owner: User) -> None:
    other = Project.objects.create(name="Other", slug="other", created_by=owner)
    recorded(project, owner, count=10, seconds=100)
    recorded(other, owner, count=10, seconds=100)
    alone = found()
    assert list(alone) == ["as it is"]
    everybody = alone["as it is"]["everybody"]
    assert (everybody["jobs"], everybody["never"]) == (20, 0)
    assert everybody["longest"] == pytest.approx(1900, abs=5)
    assert alone["as it is"]["used"]["cpus"] == pytest.approx(1, abs=0.01)
    heavy = found("--weight", f"{project.slug}=9")["as asked for"]["projects"]
    assert heavy[str(project.pk)]["median"] < heavy[str(other.pk)]["median"]
    larger = found("--cpus", "4")
    assert larger["as asked for"]["everybody"]["longest"] == pytest.approx(900, abs=5)
    capped = found("--cap", "other:cpus=1")["as asked for"]["projects"]
    assert (capped[str(other.pk)]["never"], capped[str(project.pk)]["never"]) == (10, 0)
    page = simulate("--weight", f"{project.slug}=9")
    assert "Jain index" in page
    assert project.slug in page


def test_made_up_load_is_the_same_for_the_same_seed() -> None:
    args = ("--generate", "60", "--cpus", "40", "--gpus", "8")
    first = found(*args)["as it is"]
    assert first == found(*args)["as it is"]
    assert first["everybody"]["jobs"] == 60
    assert first["everybody"]["never"] == 0
    assert 0 < first["jain"] <= 1
    assert 0 < first["used"]["cpus"] <= 1


@pytest.mark.parametrize("wrong", [("--weight", "x"), ("--cap", "project 1:disks=3"), ("--weight", "a=-1")])
def test_what_makes_no_sense_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="="):
        simulate("--generate", "5", *wrong)
