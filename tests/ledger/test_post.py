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

from core.db import make_sessions
from ledger.accounts import accounts_of, balance, issuing_account
from ledger.audit import Balances, audit
from ledger.errors import TransferConflict
from ledger.models import Account, Transfer
from ledger.post import Posting, post
from tests import factories
from tests.rewards.shelf import all_at_once, count

OWNER = "member"  # any word will do
ISSUER, MEMBERS = 0, (1, 2, 3)  # in the model below
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
    brand_id = factories.brand(session).id
    ids = accounts_of(session, brand_id, OWNER, MEMBERS)
    accounts = [issuing_account(session, brand_id), *(ids[member] for member in MEMBERS)]
    posted: dict[str, Wish] = {}
    for call in calls:
        expected = _model(posted, call)
        postings = [
            Posting(k, accounts[d], accounts[c], points, "test") for k, (d, c), points in call
        ]
        if isinstance(expected, type):
            with pytest.raises(expected), session.begin_nested():
                post(session, brand_id, postings)
        else:
            with session.begin_nested():
                moved = post(session, brand_id, postings)
            assert moved == len(expected) - len(posted)
            posted = expected
        folded = _balances(posted)
        assert [balance(session, brand_id, OWNER, member) for member in MEMBERS] == folded[1:]
        assert audit(session, brand_id) == Balances(
            -folded[ISSUER], -folded[ISSUER], 0, len(posted)
        )


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
    brand_id = factories.brand(session).id
    first, other = _accounts(session, brand_id, 2)
    posting = Posting("k", issuing_account(session, brand_id), first, 7, "test", 12)
    assert post(session, brand_id, [posting, posting]) == 1
    assert post(session, brand_id, [posting]) == 0
    for changed in (
        replace(posting, points=8),
        replace(posting, credit_account_id=other),
        replace(posting, reason="gift"),
        replace(posting, subject_id=None),
    ):
        fresh = replace(posting, key="fresh")
        with pytest.raises(TransferConflict, match="“k” was posted before"), session.begin_nested():
            post(session, brand_id, [fresh, changed])
    assert session.get_one(Account, (brand_id, first), populate_existing=True).balance == 7
    assert count(session, Transfer, Transfer.brand_id == brand_id) == 1


def test_more_postings_than_a_statement_has_parameters_are_posted_and_repeated(
    session: Session,
) -> None:
    brand_id = factories.brand(session).id
    (account,) = _accounts(session, brand_id, 1)
    issuing = issuing_account(session, brand_id)
    many = [Posting(f"k{n}", issuing, account, 1, "test") for n in range(66_000)]
    assert post(session, brand_id, many) == 66_000
    assert post(session, brand_id, many) == 0
    assert audit(session, brand_id).points_held == 66_000


def test_owners_of_another_kind_or_brand_have_accounts_of_their_own(session: Session) -> None:
    brands = [factories.brand(session).id for _ in range(2)]
    owners = [(brand_id, kind) for brand_id in brands for kind in (OWNER, "team")]
    opened = [accounts_of(session, brand_id, kind, [7])[7] for brand_id, kind in owners]
    assert len(set(opened)) == 4
    assert opened == [accounts_of(session, brand_id, kind, [7])[7] for brand_id, kind in owners]


def test_two_brands_may_use_one_key(session: Session) -> None:
    for _ in range(2):
        brand_id = factories.brand(session).id
        (account,) = _accounts(session, brand_id, 1)
        posting = Posting("k", issuing_account(session, brand_id), account, 7, "test")
        assert post(session, brand_id, [posting]) == 1


@pytest.mark.parametrize("points", [0, -5])
def test_a_transfer_moves_at_least_one_point(session: Session, points: int) -> None:
    brand_id = factories.brand(session).id
    (account,) = _accounts(session, brand_id, 1)
    posting = Posting("k", issuing_account(session, brand_id), account, points, "test")
    with pytest.raises(IntegrityError, match="moves_something"), session.begin_nested():
        post(session, brand_id, [posting])


def test_nothing_to_post_moves_nothing_and_who_has_no_account_has_no_points(
    session: Session,
) -> None:
    brand_id = factories.brand(session).id
    assert post(session, brand_id, []) == 0
    assert balance(session, brand_id, OWNER, 1) == 0
    assert audit(session, brand_id) == Balances(0, 0, 0, 0)
    assert audit(session, brand_id).balanced


def test_threads_that_post_the_same_keys_move_each_once(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        brand_id = factories.brand(session).id
    chance = random.Random(7)

    def work(numbers: Sequence[int]):
        def run(session: Session) -> int:
            accounts = accounts_of(session, brand_id, OWNER, range(5))
            issuing = issuing_account(session, brand_id)
            moved = 0
            for start in range(0, len(numbers), 15):
                moved += post(
                    session,
                    brand_id,
                    [
                        Posting(f"k{n}", issuing, accounts[n % 5], 1 + n, "test")
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
        total = session.scalar(text("SELECT CAST(sum(points) AS bigint) FROM transfer"))
        assert audit(session, brand_id) == Balances(total, total, 0, transfers)


def test_of_two_contents_posted_at_once_under_one_key_one_is_in_force(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        brand_id = factories.brand(session).id
        accounts = _accounts(session, brand_id, 4)
        issuing = issuing_account(session, brand_id)

    def work(number: int):
        def run(session: Session) -> int:
            numbers = range(400, 0, -1) if number % 2 else range(1, 401)  # crossing, no deadlock
            own = [Posting(f"k{n}", issuing, accounts[number], n, "test") for n in numbers]
            try:
                with session.begin_nested():
                    return post(session, brand_id, own)
            except TransferConflict:
                return -1

        return run

    assert sorted(all_at_once(engine, [work(n) for n in range(4)])) == [-1, -1, -1, 400]
    with Session(engine) as session:
        balances = [session.get_one(Account, (brand_id, each)).balance for each in accounts]
        assert sorted(balances) == [0, 0, 0, 80_200]
        assert count(session, Transfer) == 400


def _accounts(session: Session, brand_id: int, quantity: int) -> list[int]:
    return list(accounts_of(session, brand_id, OWNER, range(quantity)).values())
