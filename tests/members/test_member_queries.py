import uuid
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core import clock
from members import queries
from members.bind import sign_in
from members.errors import CannotUnseal
from tests.factories import NOON, brand

SECRET = bytes(range(32))


def test_a_batch_of_visitors_of_several_brands_finds_its_members(session: Session):
    one, other = brand(session), brand(session)
    before = uuid.uuid4()
    a = sign_in(session, one.id, before, "13812345678", SECRET)
    b = sign_in(session, other.id, a.visitor_id, "13812345678", SECRET)
    c = sign_in(session, other.id, uuid.uuid4(), "13912345678", SECRET)
    pairs = [(a.visitor_id, one.id), (b.visitor_id, other.id), (c.visitor_id, other.id)]
    nobodys = [(c.visitor_id, one.id), (before, one.id), (uuid.uuid4(), one.id)]
    found = queries.members_of_visitors(session, [*pairs, *nobodys, pairs[0]])
    assert found == dict(zip(pairs, [a.member.id, b.member.id, c.member.id], strict=True))


def test_no_visitors_have_no_members(session: Session):
    assert queries.members_of_visitors(session, []) == {}


def test_the_list_shows_masked_phones_newest_first_in_pages(session: Session):
    home, other = brand(session), brand(session)
    for minute, phone in enumerate(["13812345678", "13912345679", "+85291234567"]):
        with clock.fixed(NOON + timedelta(minutes=minute)):
            sign_in(session, home.id, uuid.uuid4(), phone, SECRET)
    sign_in(session, other.id, uuid.uuid4(), "13712345678", SECRET)
    page = queries.newest(session, home.id, SECRET, limit=2)
    rest = queries.newest(session, home.id, SECRET, before_id=page[-1].member_id)
    shown = [(line.masked_phone, line.created_at) for line in page + rest]
    assert shown == [
        ("+85****67", NOON + timedelta(minutes=2)),
        ("139****5679", NOON + timedelta(minutes=1)),
        ("138****5678", NOON),
    ]


def test_another_brands_members_have_no_phone_here(session: Session):
    home, other = brand(session), brand(session)
    member = sign_in(session, home.id, uuid.uuid4(), "13812345678", SECRET).member
    assert queries.masked_phones(session, home.id, [member.id], SECRET) == {
        member.id: "138****5678"
    }
    assert queries.masked_phones(session, other.id, [member.id], SECRET) == {}


def test_a_changed_secret_is_named_instead_of_showing_nonsense(session: Session):
    home = brand(session)
    sign_in(session, home.id, uuid.uuid4(), "13812345678", SECRET)
    with pytest.raises(CannotUnseal, match="YIMA_SECRET_KEY"):
        queries.newest(session, home.id, bytes(32))


def test_members_are_counted_by_brand_and_from_a_day_on(session: Session):
    home, other = brand(session), brand(session)
    for day, phone in enumerate(["13812345678", "13912345678"]):
        with clock.fixed(NOON + timedelta(days=day)):
            sign_in(session, home.id, uuid.uuid4(), phone, SECRET)
    assert queries.count(session, home.id) == 2
    assert queries.count(session, home.id, since=NOON + timedelta(days=1)) == 1
    assert queries.count(session, other.id) == 0
