"""Granted claims become points exactly once, however often the worker is told."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from ledger.accounts import balance
from ledger.models import Account, Transfer
from rewards.audit import audit
from rewards.credit import MEMBER, credit, handle_credit
from tests import factories
from tests.factories import NOON
from tests.rewards.shelf import (
    HOLD,
    all_at_once,
    count,
    credit_all,
    owed_credit,
    people,
    stock,
)


def test_a_claim_made_before_sign_in_is_credited_once(session: Session) -> None:
    shelf = stock(session)
    campaign = factories.campaign(session, shelf.brand)
    (visitor,) = people(1)
    shelf.claim(session, campaign, visitor, [0, 1])
    codes = {shelf.order.lo, shelf.order.lo + 1}
    assert credit(session, shelf.brand.id, codes) == 0
    member = shelf.member(session)
    shelf.sign_in(session, visitor, member.id)
    waiting = audit(session, shelf.brand.id)
    assert (waiting.points_granted, waiting.points_waiting, waiting.points_held) == (10, 10, 0)
    assert waiting.balanced
    assert credit(session, shelf.brand.id, codes) == 2
    assert credit(session, shelf.brand.id, codes) == 0
    assert balance(session, shelf.brand.id, MEMBER, member.id) == 10
    books = audit(session, shelf.brand.id)
    assert (books.points_granted, books.points_waiting, books.points_held) == (10, 0, 10)
    assert books.balanced


def test_what_is_held_unclaimed_or_another_brands_is_not_credited(session: Session) -> None:
    shelf, other = stock(session), stock(session)
    (visitor,) = people(1)
    shelf.member(session, visitor)
    shelf.claim(session, factories.campaign(session, shelf.brand), visitor, [0], HOLD)
    other.member(session, visitor)
    other.claim(session, factories.campaign(session, other.brand), visitor, [0])
    codes = {shelf.order.lo, shelf.order.lo + 1, other.order.lo}
    assert credit(session, shelf.brand.id, codes) == 0
    assert credit(session, other.brand.id, codes) == 1


def test_one_call_credits_the_claims_of_many_brands_and_members(session: Session) -> None:
    shelves = [stock(session) for _ in range(3)]
    for shelf in shelves:
        campaign = factories.campaign(session, shelf.brand, points=3)
        for number, visitor in enumerate(people(4)):
            shelf.member(session, visitor)
            shelf.claim(session, campaign, visitor, range(5 * number, 5 * number + 5))
    rows = [row for shelf in shelves for row in owed_credit(session, shelf.brand)]
    assert len(rows) == 12
    handle_credit(session, rows)
    handle_credit(session, rows[::-1])
    for shelf in shelves:
        assert count(session, Transfer, Transfer.brand_id == shelf.brand.id) == 20
        accounts = [Account.brand_id == shelf.brand.id, Account.kind == "member"]
        assert count(session, Account, *accounts, Account.balance == 15) == 4
        assert audit(session, shelf.brand.id).balanced


STEPS = st.lists(
    st.tuples(st.sampled_from(["claim", "credit", "sign in"]), st.lists(st.integers(0, 9))),
    max_size=8,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_the_books_balance_after_every_step_in_any_order(
    session: Session, steps: Sequence[tuple[str, list[int]]]
) -> None:
    with clock.fixed(NOON):
        shelf = stock(session, 10)
        campaign = factories.campaign(session, shelf.brand, points=5, budget_points=35)
        early, late = people(2)
        members = [shelf.member(session, early), shelf.member(session)]
        is_late_known = False
        for step, numbers in steps:
            if step == "claim":
                visitor = early if len(numbers) % 2 else late
                shelf.claim(session, campaign, visitor, sorted(set(numbers)))
            elif step == "credit":
                credit(session, shelf.brand.id, {shelf.order.lo + n for n in numbers})
            elif not is_late_known:
                shelf.sign_in(session, late, members[1].id)
                is_late_known = True
            assert audit(session, shelf.brand.id).balanced
        credit_all(session, shelf.brand)
        books = audit(session, shelf.brand.id)
    assert books.balanced
    assert books.points_waiting == 0
    assert (
        books.points_held
        == sum(balance(session, shelf.brand.id, MEMBER, m.id) for m in members)
        <= 35
    )


def test_workers_that_credit_the_same_claims_at_once_credit_each_once(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session)
        campaign = factories.campaign(session, shelf.brand)
        for number, visitor in enumerate(people(5)):
            shelf.member(session, visitor)
            shelf.claim(session, campaign, visitor, range(8 * number, 8 * number + 8))
    codes = range(shelf.order.lo, shelf.order.hi)

    def work(part: set[int]):
        return lambda session: credit(session, shelf.brand.id, part)

    parts = [set(codes[start : start + 25]) for start in (0, 5, 10, 15)]
    credited = all_at_once(engine, [work(part) for part in parts])
    with Session(engine) as session:
        assert sum(credited) == count(session, Transfer) == 40
        books = audit(session, shelf.brand.id)
        assert books.balanced
        assert books.points_held == 200
