"""Dramatiq's broker, and the one way for a service to send a message.

Importing this module sets the global broker, so it must come before any module that declares actors.
"""

import logging
from collections.abc import Sequence

import dramatiq
from django.conf import settings
from django.db import close_old_connections
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, Middleware, Retries, ShutdownNotifications, TimeLimit
from redis.exceptions import RedisError

from mlplatform.kernel.commit import on_commit

logger = logging.getLogger(__name__)


class DatabaseConnections(Middleware):
    """Gives the worker thread's database connection back after every message."""

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """See dramatiq.Middleware."""
        close_old_connections()

    def after_skip_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """See dramatiq.Middleware."""
        close_old_connections()


broker = RedisBroker(  # type: ignore[no-untyped-call]
    url=settings.VALKEY_URL,
    namespace="mlp.queue",
    middleware=[
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Retries(max_retries=0),
        DatabaseConnections(),
    ],
)
dramatiq.set_broker(broker)


def enqueue(actor_name: str, *args: str | int) -> None:
    """Send a message when the current transaction commits (at once outside of one); the same one only once.

    Messages carry ids only. One that the broker does not take is logged and forgotten: the database says what
    is to be done, and the periodic reconcile finds it a tick later.
    """
    on_commit(_send, (actor_name, args), (actor_name, args))


def _send(messages: Sequence[tuple[str, tuple[str | int, ...]]]) -> None:
    for actor_name, args in messages:
        message: dramatiq.Message[object] = dramatiq.Message(
            queue_name="default", actor_name=actor_name, args=args, kwargs={}, options={}
        )
        try:
            broker.enqueue(message)
        except (dramatiq.BrokerConnectionError, RedisError) as error:
            logger.warning("Valkey did not take %s%r (%s); the next tick does it", actor_name, args, error)
