from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction

from mlplatform.kernel.commit import on_commit

pytestmark = pytest.mark.django_db(transaction=True)


class Post:
    """Remembers each delivery."""

    def __init__(self) -> None:
        self.deliveries: list[list[Any]] = []

    def send(self, items: Sequence[Any]) -> None:
        self.deliveries.append(list(items))


def put(send: Any, *items: Any) -> None:
    for item in items:
        on_commit(send, item, item)


def test_outside_of_a_transaction_it_goes_at_once() -> None:
    post = Post()
    send = post.send
    put(send, 1, 2)
    assert post.deliveries == [[1], [2]]


def test_one_delivery_per_transaction_without_repeats() -> None:
    post, other = Post(), Post()
    send, send_other = post.send, other.send
    with transaction.atomic():
        put(send, 1, 2, 1)
        put(send_other, 9)
        with transaction.atomic():
            put(send, 3)
        assert post.deliveries == []
    assert post.deliveries == [[1, 2, 3]]
    assert other.deliveries == [[9]]
    with transaction.atomic():
        put(send, 4)
    assert post.deliveries[1:] == [[4]]


def test_a_rollback_sends_nothing() -> None:
    post = Post()
    send = post.send
    with transaction.atomic():
        put(send, 1)
        transaction.set_rollback(True)
    with transaction.atomic():
        put(send, 2)
    assert post.deliveries == [[2]]
