"""Tags: names and values that people give to runs."""

from collections.abc import Collection, Mapping

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Experiment, Run
from experiments.services.control import Outcome
from experiments.services.lifecycle import runs_changed
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import storable

MAX_TAGS = 50
MAX_NAME = 60
MAX_VALUE = 200


@transaction.atomic
def runs_tag(
    *, user: User, experiment: Experiment, numbers: Collection[int], tags: Mapping[str, str | None]
) -> Outcome:
    """Set tags of several runs; None takes one away. Numbers that do not exist are skipped.

    Raises InvalidInput(field="tags"); then nothing was changed.
    """
    require(user, "control", experiment.project)
    _check(tags)
    rows = Run.objects.filter(experiment=experiment, number__in=numbers).order_by("number")
    runs = list(rows.select_for_update(of=("self",), no_key=True))
    for run in runs:
        run.tags = {name: value for name, value in {**run.tags, **tags}.items() if value is not None}
        if len(run.tags) > MAX_TAGS:
            raise InvalidInput(
                f"Run {run.number} would have {len(run.tags)} tags; at most {MAX_TAGS}.", field="tags"
            )
    Run.objects.bulk_update(runs, ["tags"], batch_size=1000)
    runs_changed(experiment.pk, [run.pk for run in runs])
    changed = [run.number for run in runs]
    audit(user, "runs.tag", experiment.slug, project=experiment.project, runs=changed, tags=dict(tags))
    return Outcome(changed, sorted(set(numbers) - set(changed)))


def tag_parse(text: str) -> dict[str, str | None]:
    """`name=value` as people type it; `name=` takes the tag away. Raises InvalidInput(field="tags")."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name:
        raise InvalidInput(f"{text!r} is no tag; write name=value, or name= to take it away.", field="tags")
    return {name: value or None}


def _check(tags: Mapping[str, str | None]) -> None:
    if not tags:
        raise InvalidInput("Give at least one tag.", field="tags")
    for name, value in tags.items():
        if not 0 < len(name) <= MAX_NAME or len(value or "") > MAX_VALUE:
            raise InvalidInput(
                f"The tag {name[:MAX_NAME]!r}: a name has 1 to {MAX_NAME} characters, a value up to {MAX_VALUE}.",
                field="tags",
            )
        if storable(name) != name or storable(value) != (value or ""):
            raise InvalidInput("A tag has a character that cannot be stored.", field="tags")
