import logging
import threading
import uuid

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core.db import make_sessions
from identity.models import Brand
from members import queries, seal
from members.bind import SignedIn, sign_in, sign_out
from members.errors import BadPhone
from members.models import Member, MemberIdentity
from tests.factories import NOON, brand

SECRET = bytes(range(32))
PHONE = "13812345678"


@pytest.fixture
def home(session: Session) -> Brand:
    return brand(session)


def test_a_new_phone_becomes_a_member_and_the_visitor_is_signed_in(session: Session, home: Brand):
    visitor = uuid.uuid4()
    signed_in = sign_in(session, home.id, visitor, PHONE, SECRET)
    assert signed_in.is_first
    assert queries.member_of(session, home.id, signed_in.visitor_id) is signed_in.member


def test_the_visitor_of_before_is_not_signed_in_whoever_planted_its_cookie(
    session: Session, home: Brand
):
    planted = uuid.uuid4()
    signed_in = sign_in(session, home.id, planted, PHONE, SECRET)
    assert signed_in.visitor_id != planted
    assert queries.member_of(session, home.id, planted) is None


@pytest.mark.parametrize("typed", ["+44 07911 123456", "+44 7911 123456"])
def test_a_member_of_an_earlier_release_stays_who_it_is(session: Session, home: Brand, typed: str):
    known = Member(brand_id=home.id, created_at=NOON)
    session.add(known)
    session.flush()
    before = "+4407911123456"  # with its trunk zero, as it was kept
    identity = MemberIdentity(
        brand_id=home.id,
        member_id=known.id,
        provider=queries.PHONE,
        subject_digest=seal.digest(SECRET, home.id, before),
        sealed_subject=seal.seal(SECRET, home.id, before),
        created_at=NOON,
    )
    session.add(identity)
    session.flush()
    assert sign_in(session, home.id, uuid.uuid4(), typed, SECRET).member is known
    assert seal.unseal(SECRET, home.id, identity.sealed_subject) == "+447911123456"
    assert sign_in(session, home.id, uuid.uuid4(), "+447911123456", SECRET).member is known


def test_the_same_phone_in_another_browser_is_the_same_member(session: Session, home: Brand):
    one = sign_in(session, home.id, uuid.uuid4(), PHONE, SECRET)
    other = sign_in(session, home.id, uuid.uuid4(), "+86 138-1234-5678", SECRET)
    assert other.member is one.member
    assert queries.count(session, home.id) == 1


def test_signing_in_again_changes_nobody(session: Session, home: Brand):
    visitor = uuid.uuid4()
    first = sign_in(session, home.id, visitor, PHONE, SECRET)
    again = sign_in(session, home.id, first.visitor_id, PHONE, SECRET)
    assert again.member is first.member
    assert queries.count(session, home.id) == 1


def test_a_visitor_of_another_member_stays_that_members_and_the_browser_gets_a_new_one(
    session: Session, home: Brand
):
    visitor = uuid.uuid4()
    first = sign_in(session, home.id, visitor, PHONE, SECRET)
    second = sign_in(session, home.id, first.visitor_id, "13912345678", SECRET)
    assert not second.is_first
    assert second.visitor_id != first.visitor_id
    assert queries.member_of(session, home.id, first.visitor_id) is first.member
    assert queries.member_of(session, home.id, second.visitor_id) is second.member
    assert second.member is not first.member


def test_brands_do_not_share_members_or_sign_ins(session: Session, home: Brand):
    other, visitor = brand(session), uuid.uuid4()
    here = sign_in(session, home.id, visitor, PHONE, SECRET)
    assert queries.member_of(session, other.id, visitor) is None
    there = sign_in(session, other.id, visitor, PHONE, SECRET)
    assert there.is_first
    assert there.member is not here.member


def test_signing_out_ends_one_brands_binding(session: Session, home: Brand):
    other, visitor = brand(session), uuid.uuid4()
    here = sign_in(session, home.id, visitor, PHONE, SECRET)
    there = sign_in(session, other.id, here.visitor_id, PHONE, SECRET)
    sign_out(session, home.id, here.visitor_id)
    assert queries.member_of(session, home.id, here.visitor_id) is None
    assert queries.member_of(session, other.id, there.visitor_id) is there.member


def test_a_bad_phone_makes_no_member(session: Session, home: Brand):
    with pytest.raises(BadPhone):
        sign_in(session, home.id, uuid.uuid4(), "12345", SECRET)
    assert queries.count(session, home.id) == 0


def test_the_number_is_neither_stored_readably_nor_logged(
    session: Session, home: Brand, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        sign_in(session, home.id, uuid.uuid4(), PHONE, SECRET)
    identity = session.scalars(select(MemberIdentity)).one()
    assert PHONE.encode() not in identity.sealed_subject + identity.subject_digest
    assert PHONE not in caplog.text


def _signed_in_at_once(engine: Engine, attempts: list[tuple[int, uuid.UUID, str]]):
    sessions = make_sessions(engine)
    results: list[SignedIn] = []
    start = threading.Barrier(len(attempts))

    def run(brand_id: int, visitor: uuid.UUID, phone: str) -> None:
        start.wait()
        with sessions.begin() as session:
            results.append(sign_in(session, brand_id, visitor, phone, SECRET))

    threads = [threading.Thread(target=run, args=attempt) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_two_browsers_at_once_with_a_new_phone_become_one_member(engine: Engine):
    with make_sessions(engine).begin() as session:
        home_id = brand(session).id
    results = _signed_in_at_once(engine, [(home_id, uuid.uuid4(), PHONE) for _ in range(4)])
    assert len(results) == 4
    assert len({signed_in.member.id for signed_in in results}) == 1
    with make_sessions(engine).begin() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == 1


def test_of_two_phones_at_once_in_one_browser_one_keeps_the_visitor(engine: Engine):
    with make_sessions(engine).begin() as session:
        home_id = brand(session).id
    visitor = uuid.uuid4()
    phones = [PHONE, "13912345678"]
    results = _signed_in_at_once(engine, [(home_id, visitor, phone) for phone in phones])
    assert sorted(signed_in.is_first for signed_in in results) == [False, True]
    assert len({signed_in.visitor_id for signed_in in results}) == 2
