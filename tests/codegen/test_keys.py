"""Keys are made a year, rotated, revoked; the ring opens serials without asking the database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from codegen import crockford
from codegen.errors import ForgedSerial, KeyNotFound, MalformedSerial, WrongKeyEncryptionKey
from codegen.keys import (
    NUMBERS_PER_KEY,
    UNKNOWN_KEY_LOOKUP,
    KeyRing,
    Opened,
    issuing_key,
    revoke,
    rotate,
    sub_keys,
)
from codegen.models import SigningKey
from codegen.serial import seal
from core import clock
from core.db import make_sessions
from tests import factories
from tests.factories import KEK, NOON

WRONG_KEK = bytes(32)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOON):
        yield


@contextmanager
def queries_counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the engine runs meanwhile."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_brand_keeps_its_key_within_a_year_and_gets_a_new_one_with_the_next(
    session: Session,
) -> None:
    brand = factories.brand(session)
    with clock.fixed(datetime(2026, 1, 1, tzinfo=UTC)):
        first = issuing_key(session, brand.id, KEK, 10)
    with clock.fixed(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)):
        assert issuing_key(session, brand.id, KEK, 10) is first
    with clock.fixed(datetime(2027, 1, 1, tzinfo=UTC)):
        second = issuing_key(session, brand.id, KEK, 10)
        assert issuing_key(session, brand.id, KEK, 10) is second
    assert second.key_id != first.key_id
    assert first.retired_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert (first.revoked_at, second.retired_at) == (None, None)


def test_a_key_whose_numbers_are_used_up_is_followed_by_another(session: Session) -> None:
    brand = factories.brand(session)
    key = issuing_key(session, brand.id, KEK, 10)
    key.next_number = NUMBERS_PER_KEY - 10
    assert issuing_key(session, brand.id, KEK, 10) is key
    following = issuing_key(session, brand.id, KEK, 11)
    assert following is not key
    assert (key.retired_at, following.next_number) == (NOON, 0)


def test_brands_have_keys_of_their_own(session: Session) -> None:
    keys = [issuing_key(session, factories.brand(session).id, KEK, 1) for _ in range(3)]
    assert len({key.key_id for key in keys}) == 3
    assert len({sub_keys(key, KEK).mac for key in keys}) == 3


def test_rotation_retires_the_old_key_and_issues_under_the_new(session: Session) -> None:
    brand = factories.brand(session)
    old = issuing_key(session, brand.id, KEK, 1)
    new = rotate(session, brand.id, KEK)
    session.expire(old)
    assert (old.retired_at, old.revoked_at) == (NOON, None)
    assert issuing_key(session, brand.id, KEK, 1) is new


def test_a_revoked_key_issues_no_more_and_only_its_brand_revokes_it(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    key = issuing_key(session, brand.id, KEK, 1)
    with pytest.raises(KeyNotFound):
        revoke(session, other.id, key.key_id)
    revoke(session, brand.id, key.key_id)
    with clock.fixed(NOON + timedelta(days=1)):
        revoke(session, brand.id, key.key_id)
    assert (key.revoked_at, key.retired_at) == (NOON, NOON)
    assert issuing_key(session, brand.id, KEK, 1) is not key


def test_a_secret_is_kept_wrapped_and_only_its_own_key_unwraps_it(session: Session) -> None:
    key = issuing_key(session, factories.brand(session).id, KEK, 1)
    assert len(key.wrapped_secret) == 40  # 32 bytes and the check value of RFC 3394
    assert sub_keys(key, KEK) == sub_keys(key, KEK)
    with pytest.raises(WrongKeyEncryptionKey, match=f"signing key {key.key_id} was wrapped"):
        sub_keys(key, WRONG_KEK)


def test_a_session_used_again_sees_the_numbers_that_another_issued_meanwhile(
    engine: Engine,
) -> None:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        brand = factories.brand(session)
    with sessions() as one, sessions() as two:
        first = factories.order(one, brand, 10)
        key = one.get_one(
            SigningKey, (first.brand_id, first.key_id)
        )  # held, so that the session remembers it
        one.commit()
        second = factories.order(two, brand, 10)
        two.commit()
        third = factories.order(one, brand, 10)
        one.commit()
    assert (first.hi, second.hi) == (second.lo, third.lo)
    assert key.next_number == 30


@pytest.fixture
def key(engine: Engine) -> SigningKey:
    with make_sessions(engine).begin() as session:
        return issuing_key(session, factories.brand(session).id, KEK, 1)


@pytest.fixture
def ring(engine: Engine) -> KeyRing:
    return KeyRing(make_sessions(engine), KEK)


def test_the_ring_opens_what_the_key_sealed_and_nothing_else(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    keys = sub_keys(key, KEK)
    ring.refresh()
    with queries_counted(engine) as queries:
        for number in (0, 1, NUMBERS_PER_KEY - 1):
            serial = seal(keys, number)
            opened = Opened(key.key_id << 32 | number, key.brand_id, serial)
            assert ring.open(serial) == opened
            forged = crockford.encode(crockford.decode(serial) ^ 1)
            with pytest.raises(ForgedSerial):
                ring.open(forged)
        for malformed in ("", "ABC", "U" * 20):
            with pytest.raises(MalformedSerial):
                ring.open(malformed)
    assert queries == []


def test_ten_thousand_forged_serials_cost_one_query(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    step = ((1 << 100) - 1) // 10_000
    with queries_counted(engine) as queries:
        for number in range(10_000):
            with pytest.raises(ForgedSerial):
                ring.open(crockford.encode(number * step))
    assert len(queries) == 1


def test_a_key_made_meanwhile_is_found_but_the_ring_asks_at_most_once_a_second(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    ring.refresh()
    with make_sessions(engine).begin() as session:
        serial = seal(sub_keys(rotate(session, key.brand_id, KEK), KEK), 7)
    old = seal(sub_keys(key, KEK), 7)
    with queries_counted(engine) as queries:
        for moment in (NOON, NOON + UNKNOWN_KEY_LOOKUP - timedelta(microseconds=1)):
            with clock.fixed(moment), pytest.raises(ForgedSerial):
                ring.open(serial)
        assert queries == []
        with clock.fixed(NOON + UNKNOWN_KEY_LOOKUP):
            assert ring.open(serial).brand_id == key.brand_id
        assert ring.open(old).brand_id == key.brand_id  # retired keys still open
    assert len(queries) == 1


def test_a_clock_that_was_put_back_does_not_shut_the_ring(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    with clock.fixed(NOON + timedelta(hours=1)), pytest.raises(ForgedSerial):
        ring.open("0" * 20)
    with make_sessions(engine).begin() as session:
        serial = seal(sub_keys(rotate(session, key.brand_id, KEK), KEK), 7)
    assert ring.open(serial).brand_id == key.brand_id


def test_threads_that_meet_an_unknown_key_at_once_cause_one_query(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    serial, start = seal(sub_keys(key, KEK), 7), threading.Barrier(8)

    def open_it(_number: int) -> Opened:
        start.wait(10)
        return ring.open(serial)

    with queries_counted(engine) as queries, ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_it, range(8)))
    assert len(queries) == 1
    assert set(opened) == {Opened(key.key_id << 32 | 7, key.brand_id, serial)}


def test_a_revocation_arrives_with_the_next_refresh(
    engine: Engine, key: SigningKey, ring: KeyRing
) -> None:
    serial = seal(sub_keys(key, KEK), 7)
    assert ring.open(serial).brand_id == key.brand_id
    with make_sessions(engine).begin() as session:
        revoke(session, key.brand_id, key.key_id)
    ring.refresh()
    with pytest.raises(ForgedSerial):
        ring.open(serial)


def test_a_ring_with_the_wrong_key_encryption_key_says_so(engine: Engine, key: SigningKey) -> None:
    ring = KeyRing(make_sessions(engine), WRONG_KEK)
    with pytest.raises(WrongKeyEncryptionKey, match="YIMA_KEY_ENCRYPTION_KEY"):
        ring.refresh()
