"""Accounts: found by owner, opened when they are missing, locked in one order everywhere."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.rows import array
from ledger.models import Account

ISSUING = "issuing"


def issuing_account(session: Session, brand_id: int) -> int:
    """The id of the account that the brand's points come from; opened if it was not there."""
    query = select(Account.id).where(Account.brand_id == brand_id, Account.kind == ISSUING)
    found = session.scalar(query)
    if found is None:
        _open(session, brand_id, ISSUING, [None])
        found = session.scalars(query).one()
    return found


def accounts_of(
    session: Session, brand_id: int, kind: str, owner_ids: Collection[int]
) -> dict[int, int]:
    """The account id of each owner of the kind; accounts that are missing are opened."""
    owners = set(owner_ids)
    found = _known(session, brand_id, kind, owners)
    missing = owners - found.keys()
    if missing:
        _open(session, brand_id, kind, sorted(missing))
        found |= _known(session, brand_id, kind, missing)
    return found


def balance(session: Session, brand_id: int, kind: str, owner_id: int) -> int:
    """The owner's points; 0 without an account."""
    query = select(Account.balance).where(
        Account.brand_id == brand_id, Account.kind == kind, Account.owner_id == owner_id
    )
    return session.scalar(query) or 0


def lock(session: Session, brand_id: int, account_ids: Iterable[int]) -> None:
    """Locks the stored balances in the order of their ids, so that two posts never deadlock."""
    session.execute(_LOCK, {"brand": brand_id, "ids": array(account_ids)})


def _known(
    session: Session, brand_id: int, kind: str, owner_ids: Collection[int]
) -> dict[int, int]:
    values = {"brand": brand_id, "kind": kind, "owners": array(owner_ids)}
    return {row.owner_id: row.id for row in session.execute(_ACCOUNTS, values)}


def _open(
    session: Session, brand_id: int, kind: str, owner_ids: Sequence[int] | Sequence[None]
) -> None:
    session.execute(_OPEN, {"brand": brand_id, "kind": kind, "owners": array(owner_ids)})


_ACCOUNTS = text(
    """
    SELECT owner_id, id FROM account
    WHERE brand_id = :brand AND kind = :kind AND owner_id = ANY(CAST(:owners AS bigint[]))
    """
)

_OPEN = text(
    """
    INSERT INTO account (brand_id, kind, owner_id, balance)
    SELECT :brand, :kind, owner_id, 0
    FROM unnest(CAST(:owners AS bigint[])) AS t(owner_id)
    ON CONFLICT DO NOTHING
    """
)

_LOCK = text(
    """
    SELECT count(*) FROM (
        SELECT id FROM account
        WHERE brand_id = :brand AND id = ANY(CAST(:ids AS bigint[])) AND kind <> 'issuing'
        ORDER BY id FOR UPDATE) AS locked
    """
)
