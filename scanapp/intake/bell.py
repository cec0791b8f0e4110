"""The doors' way to ring the workers, by the name of their job: RQ on Redis."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from core import bells


def open_bell(redis_url: str) -> bells.Bell:
    """A bell on the server at `redis_url`; connects when first used, waits 0.5 s at most."""
    client = Redis.from_url(
        redis_url,
        socket_connect_timeout=bells.SOCKET_SECONDS,
        socket_timeout=bells.SOCKET_SECONDS,
        # Once, at once: for a pooled connection that a restarted server has forgotten.
        retry=Retry(NoBackoff(), 1),
    )
    queue = Queue(bells.QUEUE, connection=client, serializer="json")
    return bells.Bell(client, queue.enqueue, RedisError)
