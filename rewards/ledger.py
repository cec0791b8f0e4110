"""The double-entry ledger: immutable transfers between accounts, each under a permanent key.

A member's balance is stored and equals the fold of its transfers. The issuing account takes part
in every grant, so its balance is derived from the transfers and its row is never locked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.arrays import array
from rewards.errors import TransferConflict
from rewards.models import Account

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
    """The id of the account that the brand's points come from; opened if it was not there."""
    query = select(Account.id).where(Account.brand_id == brand_id, Account.kind == ISSUING)
    found = session.scalar(query)
    if found is None:
        _open(session, brand_id, ISSUING, [None])
        found = session.scalars(query).one()
    return found


def member_accounts(session: Session, brand_id: int, member_ids: Collection[int]) -> dict[int, int]:
    """The account id of each member; accounts that are missing are opened."""
    members = set(member_ids)
    found = _accounts_of(session, brand_id, members)
    missing = members - found.keys()
    if missing:
        _open(session, brand_id, MEMBER, sorted(missing))
        found |= _accounts_of(session, brand_id, missing)
    return found


def post(session: Session, brand_id: int, postings: Sequence[Posting]) -> int:
    """How many of the postings moved points now; those posted before move nothing again.

    Balances change in the same transaction. Raises `TransferConflict` when a key was used for
    other content, and an integrity error when an account would be overdrawn.
    """
    if not postings:
        return 0
    _lock_accounts(session, postings)
    inserted = set(session.execute(_INSERT, _columns(brand_id, postings)).scalars())
    fresh = postings
    if len(inserted) < len(postings):
        _check_repeated(session, brand_id, postings)
        fresh = list({p.key: p for p in postings if p.key in inserted}.values())
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
    """What an audit of a brand's ledger found; `balanced` when nothing is wrong.

    `points_granted` are of claims that are granted and a member's, `points_waiting` of those
    among them that are not credited yet. `unfounded_transfers` have no such claim of the same
    member and points; a claim credited twice has one. `wrong_budgets` are campaigns whose
    reservation is not the sum of their claims, granted or held.
    """

    points_issued: int
    points_held: int
    points_granted: int
    points_waiting: int
    wrong_balances: int
    unfounded_transfers: int
    wrong_budgets: int

    @property
    def balanced(self) -> bool:
        """Whether every balance is the fold of its transfers, and every transfer a claim's."""
        faults = self.wrong_balances + self.unfounded_transfers + self.wrong_budgets
        credited = self.points_granted - self.points_waiting
        return faults == 0 and self.points_issued == self.points_held == credited


def audit(session: Session, brand_id: int) -> Books:
    """Compares stored balances with the fold of transfers, and transfers with claims.

    One statement, so that all is seen at one instant; it reads all of the brand's transfers.
    """
    return Books(*session.execute(_AUDIT, {"brand": brand_id}).one())


def _accounts_of(session: Session, brand_id: int, member_ids: Collection[int]) -> dict[int, int]:
    values = {"brand": brand_id, "kind": MEMBER, "members": array(member_ids)}
    return {row.member_id: row.id for row in session.execute(_ACCOUNTS, values)}


def _open(
    session: Session, brand_id: int, kind: str, member_ids: Sequence[int] | Sequence[None]
) -> None:
    session.execute(_OPEN, {"brand": brand_id, "kind": kind, "members": array(member_ids)})


def _lock_accounts(session: Session, postings: Sequence[Posting]) -> None:
    """Locks the stored balances in the order of their ids, so that two posts never deadlock."""
    ids = {p.debit_account_id for p in postings} | {p.credit_account_id for p in postings}
    session.execute(_LOCK, {"ids": array(ids)})


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
        "codes": array([p.code_id for p in ordered]),
    }


def _check_repeated(session: Session, brand_id: int, postings: Sequence[Posting]) -> None:
    """Of postings under one key, in one call or several, all must say the same."""
    values = {"brand": brand_id, "keys": array([p.key for p in postings])}
    known = {row.key: Posting(*row) for row in session.execute(_CONTENT, values)}
    for posting in postings:
        if posting != known[posting.key]:
            raise TransferConflict(key=posting.key)


def _move(session: Session, postings: Sequence[Posting]) -> None:
    changes: dict[int, int] = {}
    for posting in postings:
        debited, credited = posting.debit_account_id, posting.credit_account_id
        changes[debited] = changes.get(debited, 0) - posting.points
        changes[credited] = changes.get(credited, 0) + posting.points
    values = {"ids": array(changes), "changes": array(changes.values())}
    session.execute(_MOVE, values)


_ACCOUNTS = text(
    """
    SELECT member_id, id FROM account
    WHERE brand_id = :brand AND kind = :kind AND member_id = ANY(CAST(:members AS bigint[]))
    """
)

_OPEN = text(
    """
    INSERT INTO account (brand_id, kind, member_id, balance)
    SELECT :brand, :kind, member_id, 0
    FROM unnest(CAST(:members AS bigint[])) AS t(member_id)
    ON CONFLICT DO NOTHING
    """
)

_LOCK = text(
    """
    SELECT count(*) FROM (
        SELECT id FROM account WHERE id = ANY(CAST(:ids AS bigint[])) AND kind <> 'issuing'
        ORDER BY id FOR UPDATE) AS locked
    """
)

_INSERT = text(
    """
    INSERT INTO transfer (brand_id, key, debit_account_id, credit_account_id, points, reason,
                          code_id, at)
    SELECT :brand, t.key, t.debit, t.credit, t.points, t.reason, t.code, :at
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

_CONTENT = text(
    """
    SELECT key, debit_account_id, credit_account_id, points, reason, code_id FROM transfer
    WHERE brand_id = :brand AND key = ANY(CAST(:keys AS text[]))
    """
)

_AUDIT = text(
    """
    WITH moved AS (
        SELECT account_id, sum(change) AS fold FROM transfer,
             LATERAL (VALUES (credit_account_id, points), (debit_account_id, -points))
                     AS side(account_id, change)
        WHERE brand_id = :brand GROUP BY account_id),
    folded AS (
        SELECT kind, balance, coalesce(fold, 0) AS fold
        FROM account LEFT JOIN moved ON account_id = account.id WHERE brand_id = :brand),
    accounts AS (
        SELECT -sum(fold) FILTER (WHERE kind = 'issuing') AS issued,
               sum(balance) FILTER (WHERE kind = 'member') AS held,
               count(*) FILTER (WHERE kind <> 'issuing' AND balance <> fold) AS wrong
        FROM folded),
    founded AS (
        SELECT c.points, t.id AS transfer_id FROM claim c
        LEFT JOIN account a ON a.brand_id = c.brand_id AND a.kind = 'member'
             AND a.member_id = c.member_id
        LEFT JOIN account i ON i.brand_id = c.brand_id AND i.kind = 'issuing'
        LEFT JOIN transfer t ON t.brand_id = c.brand_id AND t.key = 'claim:' || c.code_id
             AND t.code_id = c.code_id AND t.points = c.points
             AND t.credit_account_id = a.id AND t.debit_account_id = i.id
        WHERE c.brand_id = :brand AND c.decision = 'granted' AND c.member_id IS NOT NULL),
    claims AS (
        SELECT sum(points) AS granted, sum(points) FILTER (WHERE transfer_id IS NULL) AS waiting,
               count(transfer_id) AS credited
        FROM founded),
    reserved AS (
        SELECT reserved_points <> coalesce(promised, 0) AS is_wrong
        FROM campaign JOIN campaign_budget ON campaign_id = campaign.id
        LEFT JOIN (SELECT campaign_id, sum(points) AS promised FROM claim
                   WHERE brand_id = :brand AND decision IN ('granted', 'held')
                   GROUP BY campaign_id) p ON p.campaign_id = campaign.id
        WHERE campaign.brand_id = :brand)
    SELECT CAST(coalesce(issued, 0) AS bigint), CAST(coalesce(held, 0) AS bigint),
           CAST(coalesce(granted, 0) AS bigint), CAST(coalesce(waiting, 0) AS bigint), wrong,
           (SELECT count(*) FROM transfer WHERE brand_id = :brand) - credited,
           (SELECT count(*) FROM reserved WHERE is_wrong)
    FROM accounts, claims
    """
)
