"""How the train function gets its config, and which errors point at another worker."""

import re

import pytest

from runners.harness.code import CodeError
from runners.harness.execution import bind, is_peer_loss
from runners.harness.protocol import Lease

LEASE = Lease.from_json(
    {"id": "1", "attempt": 1, "fence": 1, "config": {"lr": 0.1}, "entrypoint": "train:train"}
)


class Callable:
    def __call__(self, config):
        return config


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda config: config, {"lr": 0.1}),
        (lambda anything: anything, {"lr": 0.1}),
        (lambda config=None: config, {"lr": 0.1}),
        (lambda config, *rest, **more: config, {"lr": 0.1}),
        (lambda: "no config", "no config"),
        (lambda epochs=3: epochs, 3),
        (lambda *everything: everything, ()),
        (Callable(), {"lr": 0.1}),
        (dict, {"lr": 0.1}),
    ],
)
def test_config_is_given_the_way_ray_train_does(function, result):
    assert bind(function, LEASE)() == result


@pytest.mark.parametrize(
    ("function", "named"), [(lambda a, b: None, "a, b"), (lambda config, *, fast: None, "config, fast")]
)
def test_a_function_that_wants_more_is_explained(function, named):
    with pytest.raises(CodeError, match=re.escape(f"it requires: {named}")):
        bind(function, LEASE)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError("[…/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:52433"),
            True,
        ),
        (RuntimeError("NCCL error in: …, remote process exited"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ConnectionResetError("Connection reset by peer"), False),
        (ValueError("gloo/transport"), False),
    ],
)
def test_a_broken_collective_is_told_from_other_errors(error, expected):
    assert is_peer_loss(error) is expected
