"""The double-entry ledger: immutable transfers between accounts, each under a permanent key.

An owner's balance is stored and equals the fold of its transfers. The issuing account takes part
in every grant, so its balance is derived from the transfers and its row is never locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.rows import array
from ledger import accounts
from ledger.errors import TransferConflict


@dataclass(frozen=True, slots=True)
class Posting:
    """`points` (at least 1) that are to move from the debited to the credited account.

    `subject_id` is what the `reason` is about, if it is about one thing.
    """

    key: str
    debit_account_id: int
    credit_account_id: int
    points: int
    reason: str
    subject_id: int | None = None


def post(session: Session, brand_id: int, postings: Sequence[Posting]) -> int:
    """How many of the postings moved points now; those posted before move nothing again.

    Balances change in the same transaction. Raises `TransferConflict` when a key was used for
    other content, and an integrity error when an account would be overdrawn.
    """
    if not postings:
        return 0
    ids = {p.debit_account_id for p in postings} | {p.credit_account_id for p in postings}
    accounts.lock(session, brand_id, ids)
    inserted = set(session.execute(_INSERT, _columns(brand_id, postings)).scalars())
    fresh = postings
    if len(inserted) < len(postings):
        _check_repeated(session, brand_id, postings)
        fresh = list({p.key: p for p in postings if p.key in inserted}.values())
    _move(session, brand_id, fresh)
    return len(fresh)


def _columns(brand_id: int, postings: Sequence[Posting]) -> dict[str, object]:
    ordered = sorted(postings, key=attrgetter("key"))
    return {
        "brand": brand_id,
        "at": clock.now(),
        "keys": array([p.key for p in ordered]),
        "debits": array([p.debit_account_id for p in ordered]),
        "credits": array([p.credit_account_id for p in ordered]),
        "points": array([p.points for p in ordered]),
        "reasons": array([p.reason for p in ordered]),
        "subjects": array([p.subject_id for p in ordered]),
    }


def _check_repeated(session: Session, brand_id: int, postings: Sequence[Posting]) -> None:
    """Of postings under one key, in one call or several, all must say the same."""
    values = {"brand": brand_id, "keys": array([p.key for p in postings])}
    known = {row.key: Posting(*row) for row in session.execute(_CONTENT, values)}
    for posting in postings:
        if posting != known[posting.key]:
            raise TransferConflict(key=posting.key)


def _move(session: Session, brand_id: int, postings: Sequence[Posting]) -> None:
    changes: dict[int, int] = {}
    for posting in postings:
        debited, credited = posting.debit_account_id, posting.credit_account_id
        changes[debited] = changes.get(debited, 0) - posting.points
        changes[credited] = changes.get(credited, 0) + posting.points
    values = {"brand": brand_id, "ids": array(changes), "changes": array(changes.values())}
    session.execute(_MOVE, values)


_INSERT = text(
    """
    INSERT INTO transfer (brand_id, key, debit_account_id, credit_account_id, points, reason,
                          subject_id, at)
    SELECT :brand, t.key, t.debit, t.credit, t.points, t.reason, t.subject, :at
    FROM unnest(CAST(:keys AS text[]), CAST(:debits AS bigint[]), CAST(:credits AS bigint[]),
                CAST(:points AS bigint[]), CAST(:reasons AS text[]), CAST(:subjects AS bigint[]))
         AS t(key, debit, credit, points, reason, subject)
    ON CONFLICT (brand_id, key) DO NOTHING
    RETURNING key
    """
)

_MOVE = text(
    """
    UPDATE account SET balance = account.balance + t.change
    FROM unnest(CAST(:ids AS bigint[]), CAST(:changes AS bigint[])) AS t(id, change)
    WHERE account.brand_id = :brand AND account.id = t.id AND account.kind <> 'issuing'
    """
)

_CONTENT = text(
    """
    SELECT key, debit_account_id, credit_account_id, points, reason, subject_id FROM transfer
    WHERE brand_id = :brand AND key = ANY(CAST(:keys AS text[]))
    """
)
