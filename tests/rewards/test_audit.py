"""The audit finds whatever does not agree: balances, transfers, claims, budgets."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from ledger.accounts import accounts_of, issuing_account
from ledger.post import Posting, post
from rewards.audit import Books, audit
from rewards.credit import MEMBER, claim_key
from tests import factories
from tests.factories import NOON
from tests.rewards.shelf import Shelf, credit_all, people, stock


@pytest.fixture
def credited(session: Session) -> Shelf:
    """Three claims of five points of one member, all in its balance; a fourth is held."""
    with clock.fixed(NOON):
        shelf = stock(session, 10)
        campaign = factories.campaign(session, shelf.brand, points=5)
        (visitor,) = people(1)
        shelf.member(session, visitor)
        shelf.claim(session, campaign, visitor, range(3))
        credit_all(session, shelf.brand)
    assert audit(session, shelf.brand.id) == Books(15, 15, 15, 0, 0, 0, 0)
    return shelf


def _wrong(session: Session, shelf: Shelf, tamper: str) -> Books:
    session.execute(text(tamper), {"brand": shelf.brand.id, "code": shelf.order.lo})
    books = audit(session, shelf.brand.id)
    assert not books.balanced
    return books


def test_the_audit_finds_a_balance_that_was_changed(session: Session, credited: Shelf) -> None:
    books = _wrong(
        session,
        credited,
        "UPDATE account SET balance = 16 WHERE brand_id = :brand AND kind = 'member'",
    )
    assert (books.wrong_balances, books.points_held, books.points_issued) == (1, 16, 15)


def test_the_audit_finds_balances_that_are_wrong_though_their_sum_is_right(
    session: Session, credited: Shelf
) -> None:
    other = credited.member(session).id
    accounts_of(session, credited.brand.id, MEMBER, [other])
    books = _wrong(
        session,
        credited,
        "UPDATE account SET balance = CASE balance WHEN 15 THEN 14 ELSE 1 END "
        "WHERE brand_id = :brand AND kind = 'member'",
    )
    assert (books.wrong_balances, books.points_held, books.points_issued) == (2, 15, 15)


def test_the_audit_finds_a_claim_credited_twice(session: Session, credited: Shelf) -> None:
    account = session.scalar(
        text("SELECT id FROM account WHERE brand_id = :brand AND kind = 'member'"),
        {"brand": credited.brand.id},
    )
    issuing = issuing_account(session, credited.brand.id)
    again = Posting("claim again", issuing, account, 5, "claim", credited.order.lo)
    post(session, credited.brand.id, [again])
    books = audit(session, credited.brand.id)
    assert not books.balanced
    assert (books.unfounded_transfers, books.wrong_balances) == (1, 0)
    assert (books.points_issued, books.points_granted) == (20, 15)


def test_the_audit_finds_a_transfer_whose_claim_says_something_else(
    session: Session, credited: Shelf
) -> None:
    for tamper in (
        "DELETE FROM claim WHERE code_id = :code",
        "UPDATE claim SET decision = 'refused' WHERE code_id = :code",
        "UPDATE claim SET points = 4 WHERE code_id = :code",
        "UPDATE claim SET member_id = NULL WHERE code_id = :code",
    ):
        undo = session.begin_nested()
        books = _wrong(session, credited, tamper)
        assert books.unfounded_transfers == 1
        undo.rollback()
    assert audit(session, credited.brand.id).balanced


def test_the_audit_finds_points_credited_to_somebody_else(
    session: Session, credited: Shelf
) -> None:
    other = credited.member(session).id
    (account,) = accounts_of(session, credited.brand.id, MEMBER, [other]).values()
    session.execute(
        text("UPDATE transfer SET credit_account_id = :account WHERE key = :key"),
        {"account": account, "key": claim_key(credited.order.lo)},
    )
    books = _wrong(
        session,
        credited,
        "UPDATE account SET balance = CASE balance WHEN 15 THEN 10 ELSE 5 END "
        "WHERE brand_id = :brand AND kind = 'member'",
    )
    assert (books.wrong_balances, books.unfounded_transfers, books.points_waiting) == (0, 1, 5)


def test_the_audit_finds_a_budget_that_does_not_fit_its_claims(
    session: Session, credited: Shelf
) -> None:
    books = _wrong(
        session,
        credited,
        "UPDATE campaign_budget SET reserved_points = reserved_points - 5 WHERE campaign_id IN "
        "(SELECT id FROM campaign WHERE brand_id = :brand)",
    )
    assert books.wrong_budgets == 1
