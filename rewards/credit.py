"""Granted claims become points: the `credit` topic's handler."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.outbox import OutboxRow, Topic
from core.rows import array
from ledger.accounts import accounts_of, issuing_account
from ledger.post import Posting, post

MEMBER = "member"  # the kind of members' accounts
CLAIM = "claim"  # the reason of a claim's transfer
CLAIM_KEY = "'claim:' || c.code_id"  # SQL: what `claim_key` says of the claim `c`


def claim_key(code_id: int) -> str:
    """The permanent idempotency key of the one transfer that an item's claim may cause."""
    return f"claim:{code_id}"


class ToCredit(msgspec.Struct, frozen=True):
    """Items whose claims were granted to a member."""

    codes: tuple[int, ...]


CREDIT = Topic("credit", ToCredit)


def handle_credit(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Every granted and bound claim named in the rows is credited, once for ever."""
    by_brand: dict[int, set[int]] = {}
    for row in rows:
        by_brand.setdefault(row.brand_id, set()).update(CREDIT.read(row).codes)
    for brand_id in sorted(by_brand):
        credit(session, brand_id, by_brand[brand_id])


def credit(session: Session, brand_id: int, code_ids: set[int]) -> int:
    """How many of the items' claims were credited now."""
    values = {"brand": brand_id, "codes": array(sorted(code_ids))}
    claims = session.execute(_CREDITABLE, values).all()
    if not claims:
        return 0
    issuing = issuing_account(session, brand_id)
    accounts = accounts_of(session, brand_id, MEMBER, [claim.member_id for claim in claims])
    postings = [
        Posting(
            key=claim_key(claim.code_id),
            debit_account_id=issuing,
            credit_account_id=accounts[claim.member_id],
            points=claim.points,
            reason=CLAIM,
            subject_id=claim.code_id,
        )
        for claim in claims
    ]
    return post(session, brand_id, postings)


_CREDITABLE = text(
    """
    SELECT code_id, member_id, points FROM claim
    WHERE brand_id = :brand AND code_id = ANY(CAST(:codes AS bigint[]))
      AND decision = 'granted' AND member_id IS NOT NULL
    """
)
