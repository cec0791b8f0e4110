"""Nothing acknowledged is lost, nothing is counted twice, and nobody waits for ever."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from core import clock
from core.db import make_engine, make_sessions
from scanapp.intake import committer
from scanapp.intake.committer import Committer, Unavailable, Unsettled, open_sessions
from tests.demotion import demoted
from tests.factories import NOON
from tests.locks import waiting
from tests.running import wait_until
from tests.scanapp.intake.counter import HANGZHOU, Counter, open_counter
from traceability.visit import Kind, Outcome, Visit

SCAN, CLAIM = Kind.SCAN, Kind.CLAIM


@pytest.fixture
def counter(engine: Engine) -> Iterator[Counter]:
    with clock.fixed(NOON):
        yield open_counter(engine)


def open_committer(counter: Counter, rung: Callable[[str], None]) -> Committer:
    url = counter.sessions.kw["bind"].url.render_as_string(hide_password=False)
    return Committer(open_sessions(url), counter.catalogue, rung)


def outcome_of(submit: Callable[[Visit], object], visit: Visit) -> str:
    try:
        return type(submit(visit)).__name__
    except Exception as error:
        return type(error).__name__


def test_many_threads_are_answered_and_bells_rung_after_the_commit(counter: Counter) -> None:
    seen_at_ring = []

    def ring(_topic: str) -> None:
        seen_at_ring.append(counter.rows("SELECT count(*) FROM outbox")[0][0])

    submit = open_committer(counter, ring).submit
    visits = [counter.visit(SCAN, number, uuid4()) for number in range(100)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(submit, visits))
    assert {answer.outcome for answer in answers} == {Outcome.FIRST}
    assert counter.rows("SELECT count(*) FROM item") == [(100,)]
    assert seen_at_ring
    assert min(seen_at_ring) > 0


def test_a_demoted_primarys_session_is_left_for_one_that_writes(
    counter: Counter, database_url: str
) -> None:
    submit = open_committer(counter, lambda _topic: None).submit
    scan = counter.visit(SCAN, 1, uuid4())
    with demoted(database_url):
        assert submit(counter.visit(Kind.LOOK, 1, uuid4())).outcome is Outcome.FIRST
        with pytest.raises(Unavailable):
            submit(scan)
        assert counter.rows("SELECT count(*) FROM scan") == [(0,)]
        submit(counter.visit(Kind.LOOK, 1, uuid4()))  # by a session that only reads
    assert submit(scan).outcome is Outcome.FIRST
    assert counter.rows("SELECT count(*) FROM scan") == [(1,)]


def test_one_visit_that_cannot_be_written_fails_alone(counter: Counter) -> None:
    submit = open_committer(counter, print).submit
    good = [counter.visit(CLAIM, number, uuid4()) for number in range(40)]
    bad = [
        counter.visit(SCAN, 50, uuid4(), "no\0region", "app"),
        counter.visit(SCAN, 51, uuid4(), "\ud800", "app"),
    ]
    visits = [*good[:10], bad[0], *good[10:25], bad[1], *good[25:]]
    with counter.sessions() as other, ThreadPoolExecutor(len(visits)) as threads:
        # All come in while the first waits for its item, so that they are one batch.
        counter.work(other, counter.visit(SCAN, 0, uuid4()))
        told = [threads.submit(outcome_of, submit, visit) for visit in visits]
        other.commit()
        results = [future.result() for future in told]
    assert [r for r in results if r != "Answer"] == ["DataError", "TypeError"]
    assert counter.rows("SELECT count(*) FROM claim") == [(40,)]
    assert counter.rows("SELECT reserved_points FROM campaign_budget") == [(200,)]


def test_who_waited_too_long_is_told_the_truth(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "WAIT_SECONDS", 0.3)
    submit = open_committer(counter, print).submit
    begun, queued = counter.visit(CLAIM, 0, uuid4()), counter.visit(CLAIM, 1, uuid4())
    with counter.sessions() as other, ThreadPoolExecutor(2) as threads:
        counter.work(other, counter.visit(SCAN, 0, uuid4()))
        first = threads.submit(submit, begun)
        wait_until(lambda: waiting(counter.sessions))
        second = threads.submit(submit, queued)
        with pytest.raises(Unsettled):
            first.result()
        with pytest.raises(Unavailable):
            second.result()
        other.commit()
    # Of the one nobody could say anything: it is done. Of the other it was said: it is not.
    wait_until(lambda: counter.rows("SELECT count(*) FROM claim") == [(1,)])
    monkeypatch.setattr(committer, "WAIT_SECONDS", 8)
    again, late = submit(begun), submit(queued)
    assert [a.claim.is_repeat for a in (again, late) if a.claim] == [True, False]
    assert counter.rows("SELECT count(*) FROM claim") == [(2,)]


def test_a_lock_that_is_not_given_back_does_not_hold_intake_for_ever(counter: Counter) -> None:
    submit = open_committer(counter, print).submit
    with counter.sessions() as other, ThreadPoolExecutor(1) as threads:
        counter.work(other, counter.visit(SCAN, 0, uuid4()))
        with pytest.raises(Unavailable):
            threads.submit(submit, counter.visit(SCAN, 0, uuid4())).result()
        assert submit(counter.visit(SCAN, 1, uuid4())).outcome is Outcome.FIRST


def test_without_a_database_everybody_is_told_at_once(counter: Counter) -> None:
    nowhere = make_sessions(make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    submit = Committer(nowhere, counter.catalogue, print).submit
    with ThreadPoolExecutor(8) as threads:
        visits = [counter.visit(SCAN, 0, uuid4(), HANGZHOU) for _ in range(8)]
        told = set(threads.map(lambda visit: outcome_of(submit, visit), visits))
    assert told == {"Unavailable"}


def test_a_batch_whose_commit_is_still_under_way_is_waited_for(counter: Counter) -> None:
    submitting = open_committer(counter, print)
    batch_id = uuid4()
    with counter.sessions() as busy, ThreadPoolExecutor(1) as threads:
        busy.execute(text("INSERT INTO intake_batch VALUES (:id, now())"), {"id": batch_id})
        asked = threads.submit(submitting._was_committed, batch_id)
        wait_until(lambda: waiting(counter.sessions))
        assert not asked.done()
        busy.commit()
        assert asked.result() is True
    assert submitting._was_committed(uuid4()) is False
    assert counter.rows("SELECT count(*) FROM intake_batch") == [(1,)]


def test_the_committing_thread_is_one(counter: Counter) -> None:
    submit = open_committer(counter, print).submit
    before = {thread.ident for thread in threading.enumerate()}
    with ThreadPoolExecutor(16) as threads:
        visits = [counter.visit(Kind.LOOK, 0, uuid4()) for _ in range(64)]
        list(threads.map(submit, visits))
    started = [t for t in threading.enumerate() if t.ident not in before and t.name == "intake"]
    assert len(started) == 1
