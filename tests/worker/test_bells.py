from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone
from rq import Queue
from rq.job import Job

import scanapp.intake.bell
from core import clock
from core.bells import JOB, QUEUE, WAIT_SECONDS, Bell
from worker.bells import open_bell

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def queue(redis_url: str) -> Queue:
    return Queue(QUEUE, connection=Redis.from_url(redis_url), serializer="json")


def test_a_bell_that_waits_is_not_rung_twice(redis_url: str, queue: Queue) -> None:
    bell = open_bell(redis_url)
    assert [bell.ring("credit"), bell.ring("credit"), bell.ring("trace")] == [True, False, True]
    assert [(job.func_name, job.args) for job in queue.jobs] == [
        (JOB, ["credit"]),
        (JOB, ["trace"]),
    ]


def test_a_lifted_bell_can_be_rung_again_and_its_job_is_a_new_one(
    redis_url: str, queue: Queue
) -> None:
    bell = open_bell(redis_url)
    bell.ring("credit")
    bell.lift("credit")
    assert bell.ring("credit")
    assert len(set(queue.job_ids)) == 2


def test_doors_and_workers_ring_the_same_bell(redis_url: str, queue: Queue) -> None:
    assert scanapp.intake.bell.open_bell(redis_url).ring("credit")
    assert not open_bell(redis_url).ring("credit")
    assert len(queue.job_ids) == 1


def test_an_unanswered_bell_is_forgotten_together_with_its_job(
    redis_url: str, queue: Queue
) -> None:
    open_bell(redis_url).ring("credit")
    [job_id] = queue.job_ids
    assert 0 < queue.connection.ttl("bell:credit") <= WAIT_SECONDS
    assert 0 < queue.connection.ttl(Job.key_for(job_id)) <= WAIT_SECONDS


def test_a_bell_whose_job_was_taken_and_never_answered_is_rung_anew(
    redis_url: str, queue: Queue
) -> None:
    open_bell(redis_url).ring("credit")
    [taken] = queue.job_ids
    assert queue.pop_job_id() == taken  # and the worker that took it died
    assert not scanapp.intake.bell.open_bell(redis_url).ring("credit")
    assert open_bell(redis_url).ring("credit")
    assert len(queue.job_ids) == 1
    assert not open_bell(redis_url).ring("credit")


def test_a_bell_that_could_not_be_announced_does_not_wait(redis_url: str) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RedisGone

    store = Redis.from_url(redis_url)
    assert not Bell(store, fail, RedisGone).ring("credit")
    assert not store.exists("bell:credit")


def test_a_bell_whose_hanging_was_answered_too_late_is_still_announced(
    redis_url: str, queue: Queue
) -> None:
    class Slow(Redis):
        def set(self, *args: Any, **options: Any) -> Any:
            """Hangs it twice, as the client does when the first answer does not come in time."""
            super().set(*args, **options)
            return super().set(*args, **options)

    with Slow.from_url(redis_url) as slow:
        assert Bell(slow, queue.enqueue, RedisGone).ring("credit")
    assert len(queue.job_ids) == 1
    assert not open_bell(redis_url).ring("credit")


def test_ringing_without_a_server_returns_false() -> None:
    bell = open_bell("redis://127.0.0.1:1/0")
    assert not bell.ring("credit")
    bell.lift("credit")


@pytest.fixture
def failing_once(queue: Queue) -> Bell:
    """A bell whose first ring fails."""
    failures = [RedisGone()]

    def enqueue(*args: object, **options: object) -> None:
        if failures:
            raise failures.pop()
        queue.enqueue(*args, **options)

    return Bell(queue.connection, enqueue, RedisGone)


def test_after_a_failure_callers_do_not_wait_for_the_next_one(failing_once: Bell) -> None:
    with clock.fixed(NOON):
        assert not failing_once.ring("credit")
        assert not failing_once.ring("credit")
    with clock.fixed(NOON + timedelta(seconds=6)):
        assert failing_once.ring("credit")


def test_a_clock_set_back_after_a_failure_prolongs_no_silence(failing_once: Bell) -> None:
    with clock.fixed(NOON):
        assert not failing_once.ring("credit")
    with clock.fixed(NOON - timedelta(hours=1)):
        assert failing_once.ring("credit")
