import json

from experiments.models import Experiment, Run
from experiments.query.check import check
from experiments.query.parser import parse
from experiments.selectors.conditions import Scope
from experiments.selectors.names import Named
from experiments.selectors.tables import RunSpace
from experiments.web.completion import query_fields


def test_what_is_offered_makes_queries() -> None:
    declared = {
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd + momentum", "not"], "default": "adam"},
        "nesterov": {"type": "bool", "default": False},
        "width": {"type": "categorical", "choices": [16, 32.5], "default": 16},
    }
    experiment = Experiment(parameters=declared)
    space = RunSpace(Scope((experiment.pk,)), [Named("val loss")], [Named(name) for name in declared])
    runs = [Run(tags={"kind": "a b"}, cause_code="oom"), Run(tags={"kind": "base"})]
    found = {field.name: field for field in query_fields(experiment, space, runs)}
    assert json.loads(found["params.optimizer"].values) == ["adam", '"sgd + momentum"', '"not"']
    assert json.loads(found["params.nesterov"].values) == ["true", "false"]
    assert json.loads(found["params.width"].values) == ["16", "32.5"]
    assert json.loads(found["tags.kind"].values) == ['"a b"', "base"]
    assert json.loads(found["cause"].values) == ["oom"]
    assert found['metrics."val loss"'].values == "[]"
    for field in found.values():
        for value in json.loads(field.values):
            node = parse(f"{field.name} {field.operators.split()[0]} {value}")
            assert node
            check(node, space.names)
