"""Whatever somebody asks, the answer is about the runs of the place that was asked, or says what is wrong and where."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Project, User
from accounts.services.projects import project_create
from experiments.models import Bundle, Experiment, Run
from experiments.query.errors import QueryError
from experiments.query.parser import Sort
from experiments.query.tree import Field, Node, Not
from experiments.selectors.names import MAX_NAMES, Named
from experiments.selectors.tables import RunSpace, experiment_space, project_space, run_table
from experiments.services.launch import runs_add
from experiments.services.tags import runs_tag
from tests.experiments.query.queries import ANY_TEXT, FIELDS, SENSIBLE
from tests.points import summary

# The tables are only read, so that examples may share them.
SHARED = settings(suppress_health_check=list(HealthCheck), max_examples=100)
# So many names are not all known: any is taken for one.
UNKNOWN = [Named(str(number)) for number in range(MAX_NAMES)]


@pytest.fixture
def places(owner: User, project: Project, experiment: Experiment, bundle: Bundle) -> list[RunSpace]:
    """An experiment and its project; another project has runs just like theirs."""
    elsewhere = Bundle.objects.get(pk=bundle.pk)
    elsewhere.pk, elsewhere.project = None, project_create(user=owner, name="Elsewhere")
    elsewhere._state.adding = True
    elsewhere.save()
    twin = Experiment.objects.get(pk=experiment.pk)
    twin.pk, twin.project, twin.bundle = None, elsewhere.project, elsewhere
    twin._state.adding = True
    twin.save()
    for number, one in enumerate((experiment, twin)):
        runs_add(user=owner, experiment=one, param_sets=[{"lr": lr} for lr in (0.1, 1, 2)])
        runs_tag(user=owner, experiment=one, numbers=[1, 3, 4], tags={"kind": "ablation", "a": "x y"})
        for run in one.runs.select_related("experiment")[:3]:
            summary(run, "a", last=run.number + number / 2)
    return [experiment_space(experiment), project_space(project)]


@pytest.fixture
def here(experiment: Experiment, places: list[RunSpace]) -> set[UUID]:
    """The runs that may be in an answer."""
    mine = set(experiment.runs.values_list("pk", flat=True))
    assert len(mine) < Run.objects.count()
    return mine


def test_any_text(places: list[RunSpace], here: set[UUID]) -> None:
    @SHARED
    @given(ANY_TEXT)
    def holds(where: str) -> None:
        for place in places:
            rows, column = [], 1
            try:
                rows = run_table(place, where=where).rows
            except QueryError as wrong:
                column = wrong.column
            assert {row.run.pk for row in rows} <= here
            assert 1 <= column <= len(where) + 1

    holds()


def test_any_query_in_any_order_and_its_contrary(places: list[RunSpace], here: set[UUID]) -> None:
    @SHARED
    @given(SENSIBLE, FIELDS, st.booleans())
    def holds(node: Node, field: Field, descending: bool) -> None:
        for place in places:
            open_place = replace(place, metrics=UNKNOWN, params=UNKNOWN)
            sort = str(Sort(field, descending))
            found = [
                {row.run.pk for row in run_table(open_place, where=str(asked), sort=sort).rows}
                for asked in (node, Not(node))
            ]
            # Each run is on one side: none has a truth that is unknown.
            assert found[0] | found[1] == here
            assert not found[0] & found[1]

    holds()
