"""Points move once a key, never out of nothing, and the books say so."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from ledger.accounts import accounts_of, balance, issuing_account
from ledger.errors import TransferConflict
from ledger.models import Account, Transfer
from ledger.post import Posting, post
from rewards.audit import Books, audit
from rewards.credit import MEMBER, claim_key
from tests import factories
from tests.factories import NOON
from tests.rewards.shelf import Shelf, all_at_once, count, credit_all, people, stock

ISSUER = 0  # in the model below; 1, 2 and 3 are members
WISHES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from([(0, 1), (0, 1), (0, 2), (1, 2), (2, 3), (3, 1)]),
            st.integers(1, 2),
        ),
        max_size=4,
    ),
    max_size=6,
)
Wish = tuple[str, tuple[int, int], int]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=WISHES)
def test_any_postings_leave_what_a_simple_model_says(
    session: Session, calls: Sequence[Sequence[Wish]]
) -> None:
    shelf = stock(session, 1)
    members = [shelf.member(session).id for _ in range(3)]
    ids = accounts_of(session, shelf.brand.id, MEMBER, members)
    accounts = [issuing_account(session, shelf.brand.id), *(ids[member] for member in members)]
    posted: dict[str, Wish] = {}
    for call in calls:
        expected = _model(posted, call)
        postings = [
            Posting(k, accounts[d], accounts[c], points, "test") for k, (d, c), points in call
        ]
        if isinstance(expected, type):
            with pytest.raises(expected), session.begin_nested():
                post(session, shelf.brand.id, postings)
        else:
            with session.begin_nested():
                moved = post(session, shelf.brand.id, postings)
            assert moved == len(expected) - len(posted)
            posted = expected
        folded = _balances(posted)
        assert [balance(session, shelf.brand.id, MEMBER, member) for member in members] == folded[
            1:
        ]
        books = audit(session, shelf.brand.id)
        assert books.wrong_balances == 0
        assert books.points_issued == books.points_held == -folded[ISSUER]
        assert books.unfounded_transfers == len(posted)


def _model(posted: dict[str, Wish], call: Sequence[Wish]) -> dict[str, Wish] | type[Exception]:
    """All postings after the call, or why the call is refused."""
    after = dict(posted)
    for wish in call:
        if after.setdefault(wish[0], wish) != wish:
            return TransferConflict
    return IntegrityError if min(_balances(after)[1:]) < 0 else after


def _balances(posted: dict[str, Wish]) -> list[int]:
    balances = [0, 0, 0, 0]
    for _, (debit, credit), points in posted.values():
        balances[debit] -= points
        balances[credit] += points
    return balances


def test_the_same_posting_again_gives_the_first_result_and_other_content_a_conflict(
    session: Session,
) -> None:
    shelf = stock(session, 1)
    first, other = _accounts(session, shelf, 2)
    posting = Posting("k", issuing_account(session, shelf.brand.id), first, 7, "test", 12)
    assert post(session, shelf.brand.id, [posting, posting]) == 1
    assert post(session, shelf.brand.id, [posting]) == 0
    for changed in (
        replace(posting, points=8),
        replace(posting, credit_account_id=other),
        replace(posting, reason="gift"),
        replace(posting, subject_id=None),
    ):
        fresh = replace(posting, key="fresh")
        with pytest.raises(TransferConflict, match="“k” was posted before"), session.begin_nested():
            post(session, shelf.brand.id, [fresh, changed])
    assert session.get_one(Account, (shelf.brand.id, first), populate_existing=True).balance == 7
    assert count(session, Transfer, Transfer.brand_id == shelf.brand.id) == 1


def test_more_postings_than_a_statement_has_parameters_are_posted_and_repeated(
    session: Session,
) -> None:
    shelf = stock(session, 1)
    (account,) = _accounts(session, shelf, 1)
    issuing = issuing_account(session, shelf.brand.id)
    many = [Posting(f"k{n}", issuing, account, 1, "test") for n in range(66_000)]
    assert post(session, shelf.brand.id, many) == 66_000
    assert post(session, shelf.brand.id, many) == 0
    assert audit(session, shelf.brand.id).points_held == 66_000


def test_two_brands_may_use_one_key(session: Session) -> None:
    for _ in range(2):
        shelf = stock(session, 1)
        (account,) = _accounts(session, shelf, 1)
        posting = Posting("k", issuing_account(session, shelf.brand.id), account, 7, "test")
        assert post(session, shelf.brand.id, [posting]) == 1


@pytest.mark.parametrize("points", [0, -5])
def test_a_transfer_moves_at_least_one_point(session: Session, points: int) -> None:
    shelf = stock(session, 1)
    (account,) = _accounts(session, shelf, 1)
    posting = Posting("k", issuing_account(session, shelf.brand.id), account, points, "test")
    with pytest.raises(IntegrityError, match="moves_something"), session.begin_nested():
        post(session, shelf.brand.id, [posting])


def test_nothing_to_post_moves_nothing_and_who_has_no_account_has_no_points(
    session: Session,
) -> None:
    shelf = stock(session, 1)
    assert post(session, shelf.brand.id, []) == 0
    assert balance(session, shelf.brand.id, MEMBER, shelf.member(session).id) == 0
    assert audit(session, shelf.brand.id) == Books(0, 0, 0, 0, 0, 0, 0)
    assert audit(session, shelf.brand.id).balanced


def test_threads_that_post_the_same_keys_move_each_once(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session, 1)
        members = [shelf.member(session).id for _ in range(5)]
    brand_id, chance = shelf.brand.id, random.Random(7)

    def work(numbers: Sequence[int]):
        def run(session: Session) -> int:
            accounts = accounts_of(session, brand_id, MEMBER, members)
            issuing = issuing_account(session, brand_id)
            moved = 0
            for start in range(0, len(numbers), 15):
                moved += post(
                    session,
                    brand_id,
                    [
                        Posting(f"k{n}", issuing, accounts[members[n % 5]], 1 + n, "test")
                        for n in numbers[start : start + 15]
                    ],
                )
                session.commit()
            return moved

        return run

    moved = all_at_once(engine, [work(chance.sample(range(60), 45)) for _ in range(6)])
    with Session(engine) as session:
        transfers = count(session, Transfer)
        assert sum(moved) == transfers > 45
        assert count(session, Account) == 6
        books = audit(session, brand_id)
        assert books.wrong_balances == 0
        total = session.scalar(text("SELECT sum(points) FROM transfer"))
        assert books.points_issued == books.points_held == total


def test_of_two_contents_posted_at_once_under_one_key_one_is_in_force(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        shelf = stock(session, 1)
        accounts = _accounts(session, shelf, 4)
        issuing = issuing_account(session, shelf.brand.id)

    def work(number: int):
        def run(session: Session) -> int:
            numbers = range(400, 0, -1) if number % 2 else range(1, 401)  # crossing, no deadlock
            own = [Posting(f"k{n}", issuing, accounts[number], n, "test") for n in numbers]
            try:
                with session.begin_nested():
                    return post(session, shelf.brand.id, own)
            except TransferConflict:
                return -1

        return run

    assert sorted(all_at_once(engine, [work(n) for n in range(4)])) == [-1, -1, -1, 400]
    with Session(engine) as session:
        balances = [session.get_one(Account, (shelf.brand.id, each)).balance for each in accounts]
        assert sorted(balances) == [0, 0, 0, 80_200]
        assert count(session, Transfer) == 400


def _accounts(session: Session, shelf: Shelf, quantity: int) -> list[int]:
    members = [shelf.member(session).id for _ in range(quantity)]
    return list(accounts_of(session, shelf.brand.id, MEMBER, members).values())


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
