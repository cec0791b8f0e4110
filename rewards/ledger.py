"""The double-entry ledger: immutable transfers between accounts, each under a permanent key.

A member's balance is stored and equals the fold of its transfers. The issuing account takes part
in every grant, so its balance is derived from the transfers and its row is never locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from rewards.errors import TransferConflict
from rewards.models import Account, Transfer

ISSUING = "issuing"
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Posting:
    """`points` (at least 1) that are to move from the debited to the credited account."""

    key: str
    debit_account_id: int
    credit_account_id: int
    points: int
    reason: str
    code_id: int | None = None


def issuing_account(session: Session, brand_id: int) -> int:
    """The id of the account that the brand's points come from."""
    return _open(session, brand_id, ISSUING, [None])[None]


def member_accounts(session: Session, brand_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """The account id of each member; accounts that are missing are opened."""
    opened = _open(session, brand_id, MEMBER, sorted(set(member_ids)))
    return {member: account for member, account in opened.items() if member is not None}


def post(session: Session, brand_id: int, postings: Sequence[Posting]) -> int:
    """How many of the postings moved points now; those posted before move nothing again.

    Balances change in the same transaction. Raises `TransferConflict` when a key was used for
    other content, and an integrity error when an account would be overdrawn.
    """
    if not postings:
        return 0
    _lock_accounts(session, postings)
    inserted = set(session.execute(_INSERT, _columns(brand_id, postings)).scalars())
    _check_repeated(session, brand_id, [p for p in postings if p.key not in inserted])
    fresh = _first_by_key([p for p in postings if p.key in inserted])
    _move(session, fresh)
    return len(fresh)


def balance(session: Session, brand_id: int, member_id: int) -> int:
    """The member's points."""
    query = select(Account.balance).where(
        Account.brand_id == brand_id, Account.kind == MEMBER, Account.member_id == member_id
    )
    return session.scalar(query) or 0


@dataclass(frozen=True)
class Books:
    """What an audit of a brand's ledger found; `balanced` when nothing is wrong."""

    points_issued: int
    points_held: int
    points_granted: int
    wrong_balances: int

    @property
    def balanced(self) -> bool:
        return self.wrong_balances == 0 and self.points_issued == self.points_held


def audit(session: Session, brand_id: int) -> Books:
    """Compares stored balances with the fold of transfers, and points with grants."""
    return Books(*session.execute(_AUDIT, {"brand_id": brand_id}).one())


def _open(
    session: Session, brand_id: int, kind: str, member_ids: Sequence[int | None]
) -> dict[int | None, int]:
    query = select(Account.member_id, Account.id).where(
        Account.brand_id == brand_id,
        Account.kind == kind,
        Account.member_id.in_([m for m in member_ids if m is not None])
        if kind == MEMBER
        else Account.member_id.is_(None),
    )
    known = {row[0]: row[1] for row in session.execute(query)}
    missing = [member for member in member_ids if member not in known]
    if not missing:
        return known
    rows = [
        {"brand_id": brand_id, "kind": kind, "member_id": member, "balance": 0}
        for member in missing
    ]
    session.execute(insert(Account).on_conflict_do_nothing(), rows)
    return {row[0]: row[1] for row in session.execute(query)}


def _lock_accounts(session: Session, postings: Sequence[Posting]) -> None:
    """Locks the stored balances in the order of their ids, so that two posts never deadlock."""
    ids = {p.debit_account_id for p in postings} | {p.credit_account_id for p in postings}
    session.execute(
        select(Account.id)
        .where(Account.id.in_(ids), Account.kind != ISSUING)
        .order_by(Account.id)
        .with_for_update()
    ).all()


def _columns(brand_id: int, postings: Sequence[Posting]) -> dict[str, object]:
    ordered = sorted(postings, key=lambda posting: posting.key)
    return {
        "brand_id": brand_id,
        "at": clock.now(),
        "keys": [p.key for p in ordered],
        "debits": [p.debit_account_id for p in ordered],
        "credits": [p.credit_account_id for p in ordered],
        "points": [p.points for p in ordered],
        "reasons": [p.reason for p in ordered],
        "codes": [p.code_id for p in ordered],
    }


def _check_repeated(session: Session, brand_id: int, postings: Sequence[Posting]) -> None:
    if not postings:
        return
    query = select(Transfer).where(
        Transfer.brand_id == brand_id, Transfer.key.in_([p.key for p in postings])
    )
    known = {transfer.key: transfer for transfer in session.scalars(query)}
    for posting in postings:
        if not _same(posting, known[posting.key]):
            raise TransferConflict(key=posting.key)


def _same(posting: Posting, transfer: Transfer) -> bool:
    return (
        posting.debit_account_id,
        posting.credit_account_id,
        posting.points,
        posting.reason,
        posting.code_id,
    ) == (
        transfer.debit_account_id,
        transfer.credit_account_id,
        transfer.points,
        transfer.reason,
        transfer.code_id,
    )


def _first_by_key(postings: Sequence[Posting]) -> list[Posting]:
    """One posting a key; two of one call under one key must say the same."""
    first: dict[str, Posting] = {}
    for posting in postings:
        if first.setdefault(posting.key, posting) != posting:
            raise TransferConflict(key=posting.key)
    return list(first.values())


def _move(session: Session, postings: Sequence[Posting]) -> None:
    changes: dict[int, int] = {}
    for posting in postings:
        for account, change in (
            (posting.debit_account_id, -posting.points),
            (posting.credit_account_id, posting.points),
        ):
            changes[account] = changes.get(account, 0) + change
    session.execute(_MOVE, {"ids": list(changes), "changes": list(changes.values())})


_INSERT = text(
    """
    INSERT INTO transfer (brand_id, key, debit_account_id, credit_account_id, points, reason,
                          code_id, at)
    SELECT :brand_id, t.key, t.debit, t.credit, t.points, t.reason, t.code, :at
    FROM unnest(CAST(:keys AS text[]), CAST(:debits AS bigint[]), CAST(:credits AS bigint[]),
                CAST(:points AS bigint[]), CAST(:reasons AS text[]), CAST(:codes AS bigint[]))
         AS t(key, debit, credit, points, reason, code)
    ON CONFLICT (brand_id, key) DO NOTHING
    RETURNING key
    """
)

_MOVE = text(
    """
    UPDATE account SET balance = account.balance + t.change
    FROM unnest(CAST(:ids AS bigint[]), CAST(:changes AS bigint[])) AS t(id, change)
    WHERE account.id = t.id AND account.kind <> 'issuing'
    """
)

_AUDIT = text(
    """
    WITH own AS (SELECT * FROM transfer WHERE brand_id = :brand_id),
    folded AS (
        SELECT a.id, a.kind, a.balance,
               coalesce((SELECT sum(points) FROM own WHERE credit_account_id = a.id), 0)
             - coalesce((SELECT sum(points) FROM own WHERE debit_account_id = a.id), 0) AS fold
        FROM account a WHERE a.brand_id = :brand_id)
    SELECT CAST(coalesce(-sum(fold) FILTER (WHERE kind = 'issuing'), 0) AS bigint),
           CAST(coalesce(sum(balance) FILTER (WHERE kind = 'member'), 0) AS bigint),
           (SELECT CAST(coalesce(sum(points), 0) AS bigint) FROM claim
            WHERE brand_id = :brand_id AND decision = 'granted' AND member_id IS NOT NULL),
           count(*) FILTER (WHERE kind <> 'issuing' AND balance <> fold)
    FROM folded
    """
)
