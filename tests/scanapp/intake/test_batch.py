"""What one batch, or two at once, make of the same visitors and items."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from antifraud.judge import DEFAULT_RULES
from core import clock
from tests.factories import NOON
from tests.locks import waiting_for
from tests.scanapp.intake.counter import (
    CHENGDU,
    HANGZHOU,
    SICHUAN,
    ZHEJIANG,
    Counter,
    open_counter,
)
from traceability.verdict import ALLOW, Decision
from traceability.visit import Kind, Outcome

SCAN, CLAIM, LOOK, PLACE = Kind.SCAN, Kind.CLAIM, Kind.LOOK, Kind.PLACE
MINUTE = timedelta(minutes=1)


@pytest.fixture
def counter(engine: Engine) -> Iterator[Counter]:
    with clock.fixed(NOON):
        yield open_counter(engine)


def items(counter: Counter) -> list[tuple[int, int]]:
    """Each born item's number, and how often it was scanned."""
    rows = counter.rows("SELECT code_id, scans FROM item ORDER BY code_id")
    return [(code_id - counter.order.lo, scans) for code_id, scans in rows]


def outcomes(counter: Counter) -> list[str]:
    return [row[0] for row in counter.rows("SELECT outcome FROM scan ORDER BY at, code_id")]


def test_looks_leave_nothing_behind(counter: Counter) -> None:
    looks = [counter.visit(LOOK, 0, uuid4(), ZHEJIANG, "proxy") for _ in range(100)]
    assert {answer.outcome for answer in counter.commit(*looks)} == {Outcome.FIRST}
    for table in ("item", "scan", "visitor_track", "outbox", "intake_batch"):
        assert counter.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_scan_and_its_reloads_are_one_session(counter: Counter) -> None:
    visitor = uuid4()
    scan = counter.visit(SCAN, 0, visitor)
    first, again = counter.commit(scan, scan)
    (later,) = counter.commit(scan)
    assert [first.outcome, again.outcome, later.outcome] == [
        Outcome.FIRST,
        Outcome.AGAIN_MINE,
        Outcome.AGAIN_MINE,
    ]
    assert (items(counter), outcomes(counter)) == ([(0, 1)], ["first"])


def test_a_scan_sent_twice_to_two_processes_is_one_scan(counter: Counter, engine: Engine) -> None:
    visitor = uuid4()
    beacon = counter.visit(SCAN, 0, visitor)
    with counter.sessions() as one:
        counter.work(one, beacon)
        with waiting_for(engine, one, lambda other: counter.work(other, beacon)) as future:
            one.commit()
    (answer,) = future.result()
    assert (answer.outcome, answer.scans) == (Outcome.AGAIN_MINE, 1)
    assert (items(counter), outcomes(counter)) == ([(0, 1)], ["first"])


def test_a_claim_that_overtakes_its_beacon_in_another_process_is_the_same_scan(
    counter: Counter, engine: Engine
) -> None:
    visitor, other_visitor = uuid4(), uuid4()
    mixed = [
        counter.visit(CLAIM, 0, visitor),
        counter.visit(SCAN, 0, other_visitor),
        counter.visit(SCAN, 1, visitor),
    ]
    with counter.sessions() as one:
        counter.work(one, counter.visit(SCAN, 0, visitor))
        with waiting_for(engine, one, lambda other: counter.work(other, *mixed)) as future:
            one.commit()
    claimed, other, fresh = future.result()
    assert (claimed.outcome, claimed.scans) == (Outcome.AGAIN_MINE, 1)
    assert claimed.claim is not None
    assert claimed.claim.state == "granted"
    assert (other.outcome, other.scans) == (Outcome.AGAIN_OTHER, 2)
    assert fresh.outcome is Outcome.FIRST
    assert items(counter) == [(0, 2), (1, 1)]
    assert sorted(outcomes(counter)) == ["again_other", "first", "first"]


def test_of_two_first_scans_at_once_one_is_first(counter: Counter, engine: Engine) -> None:
    mine, yours = counter.visit(CLAIM, 0, uuid4()), counter.visit(CLAIM, 0, uuid4())
    with counter.sessions() as one:
        (first,) = counter.work(one, mine)
        with waiting_for(engine, one, lambda other: counter.work(other, yours)) as future:
            one.commit()
    (second,) = future.result()
    assert [first.outcome, second.outcome] == [Outcome.FIRST, Outcome.AGAIN_OTHER]
    assert [a.claim.state for a in (first, second) if a.claim] == ["granted", "taken"]
    assert (items(counter), sorted(outcomes(counter))) == ([(0, 2)], ["again_other", "first"])


def test_claims_of_one_item_in_one_batch_are_decided_in_order(counter: Counter) -> None:
    one, other = uuid4(), uuid4()
    visits = [counter.visit(CLAIM, 0, visitor) for visitor in (one, other, one, other)]
    answers = counter.commit(*visits)
    claims = [(a.claim.state, a.claim.is_repeat) for a in answers if a.claim]
    assert claims == [("granted", False), ("taken", True), ("granted", True), ("taken", True)]
    assert items(counter) == [(0, 2)]
    assert counter.rows("SELECT reserved_points FROM campaign_budget") == [(5,)]


def test_a_place_told_in_the_batch_of_its_scan_is_kept(counter: Counter) -> None:
    visitor = uuid4()
    counter.commit(
        counter.visit(SCAN, 0, visitor, ZHEJIANG, "proxy"),
        counter.visit(PLACE, 0, visitor, HANGZHOU),
        counter.visit(PLACE, 0, visitor, CHENGDU),
    )
    assert counter.rows("SELECT region_code, region_source FROM scan") == [(HANGZHOU, "browser")]
    assert counter.rows("SELECT first_region FROM item") == [(HANGZHOU,)]
    assert counter.rows("SELECT last_region FROM visitor_track") == [(HANGZHOU,)]
    told = [payload for (payload,) in counter.rows("SELECT payload FROM outbox ORDER BY id")]
    assert told[1] == {"places": [[counter.order.lo, HANGZHOU, "browser"]]}


def test_a_place_without_a_scan_births_nothing(counter: Counter) -> None:
    counter.commit(counter.visit(PLACE, 0, uuid4(), HANGZHOU))
    assert (items(counter), outcomes(counter)) == ([], [])


def test_places_lock_items_in_the_order_of_scans(counter: Counter, engine: Engine) -> None:
    """Were they locked after other items, two such batches could wait for each other."""
    low, high, visitor = uuid4(), uuid4(), uuid4()
    counter.commit(counter.visit(SCAN, 1, low), counter.visit(SCAN, 5, high))
    crossed = [counter.visit(SCAN, 5, visitor), counter.visit(PLACE, 1, low, HANGZHOU)]
    with counter.sessions() as one:
        counter.work(one, counter.visit(SCAN, 1, visitor))
        with waiting_for(engine, one, lambda other: counter.work(other, *crossed)) as future:
            # The other waits for item 1 and has not locked item 5, which is free for us.
            counter.work(one, counter.visit(SCAN, 5, visitor))
            one.commit()
        future.result()
    assert items(counter) == [(1, 2), (5, 2)]


def test_an_address_said_to_be_elsewhere_is_no_journey(counter: Counter) -> None:
    visitor = uuid4()
    home = counter.visit(SCAN, 0, visitor, SICHUAN, "proxy")
    told = counter.visit(PLACE, 0, visitor, HANGZHOU, at=NOON + MINUTE)
    claim = counter.visit(CLAIM, 0, visitor, SICHUAN, "proxy", at=NOON + MINUTE)
    next_scan = counter.visit(SCAN, 1, visitor, SICHUAN, "proxy", at=NOON + 2 * MINUTE)
    answers = [counter.commit(visit)[0] for visit in (home, told, claim, next_scan)]
    assert {answer.verdict.decision for answer in answers} == {Decision.ALLOW}
    assert answers[2].claim is not None
    assert answers[2].claim.state == "granted"


def test_places_told_of_two_items_too_far_apart_are_held(counter: Counter) -> None:
    visitor = uuid4()
    counter.commit(counter.visit(SCAN, 0, visitor, HANGZHOU, "app"))
    far = counter.visit(CLAIM, 1, visitor, CHENGDU, "app", at=NOON + MINUTE)
    (answer,) = counter.commit(far)
    assert answer.verdict.decision is Decision.HOLD
    assert answer.claim is not None
    assert answer.claim.state == "held"


def test_a_look_shows_what_is_thought_of_its_scan(counter: Counter) -> None:
    visitor = uuid4()
    for number in range(30):
        (look,) = counter.commit(counter.visit(LOOK, number, visitor))
        (scan,) = counter.commit(counter.visit(SCAN, number, visitor))
        assert {look.verdict.decision, scan.verdict.decision} == {Decision.ALLOW}
    for kind in (LOOK, SCAN, LOOK):
        (answer,) = counter.commit(counter.visit(kind, 30, visitor))
        assert answer.verdict.decision is Decision.HOLD


def test_how_fast_somebody_scans_one_brands_goods_says_nothing_to_another(engine: Engine) -> None:
    with clock.fixed(NOON):
        one, other = open_counter(engine), open_counter(engine)
        visitor = uuid4()
        many = [one.visit(SCAN, n, visitor) for n in range(DEFAULT_RULES.window_scans_hold + 1)]
        *_, last, elsewhere = one.commit(*many, other.visit(SCAN, 0, visitor))
        assert last.verdict.decision is Decision.HOLD
        assert elsewhere.verdict == ALLOW
        assert other.commit(other.visit(SCAN, 1, visitor))[0].verdict == ALLOW
