"""Claims made before sign-in: they wait with the visitor and become a member's at sign-in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.day import day_of
from core.db import run
from core.rows import array
from rewards.answer import ClaimState
from rewards.credit import CREDIT, ToCredit
from rewards.reserve import Counted, lock_counts, person, write_counts

MAX_CLAIMS_AT_ONCE = 1000


@dataclass(frozen=True)
class Bound:
    """How many waiting claims became the member's, and how many its daily limits turned away."""

    claims: int
    points: int
    over_limit: int


def lock_visitor(session: Session, visitor_id: UUID) -> None:
    """Holds back claims of this visitor until the transaction ends: a sign-in comes first.

    Taken before the visitor is bound, so that no claim slips in between unbound.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:visitor, 0))"),
        {"visitor": str(visitor_id)},
    )


def hold_sign_ins(session: Session, visitor_ids: Iterable[UUID]) -> None:
    """Holds back sign-ins of these visitors until the end, and waits for those under way.

    Who they are signed in as is read by a later statement, which sees what was waited for.
    """
    run(session, _WAIT_FOR_SIGN_INS, {"visitors": array(visitor_ids)})


def bind(session: Session, brand_id: int, visitor_id: UUID, member_id: int) -> Bound:
    """The visitor's waiting claims become the member's, as far as daily limits allow.

    A limit counts a person, not a browser: what is over it stays with the visitor, unpaid.
    The caller holds `lock_visitor`. Grants are owed to the `credit` topic.
    """
    waiting = session.execute(
        _WAITING, {"visitor": visitor_id, "brand": brand_id, "limit": MAX_CLAIMS_AT_ONCE}
    ).all()
    allowed = _within_limits(session, brand_id, member_id, waiting)
    if allowed:
        session.execute(
            _BIND,
            {
                "brand": brand_id,
                "codes": array([c.code_id for c in allowed]),
                "member": member_id,
                "now": clock.now(),
            },
        )
        granted = [claim.code_id for claim in allowed if claim.decision == ClaimState.GRANTED]
        if granted:
            CREDIT.put(session, brand_id, ToCredit(tuple(granted)))
    return Bound(len(allowed), sum(c.points for c in allowed), len(waiting) - len(allowed))


def _within_limits(
    session: Session, brand_id: int, member_id: int, waiting: Sequence[Any]
) -> list[Any]:
    me = person(member_id)

    def counted(claim: Any) -> Counted:
        return Counted(brand_id, claim.campaign_id, me, day_of(claim.decided_at, claim.time_zone))

    limited = [claim for claim in waiting if claim.daily_limit is not None]
    counts = lock_counts(session, dict.fromkeys(map(counted, limited), 0))
    before = dict(counts)
    allowed = []
    for claim in waiting:
        if claim.daily_limit is not None:
            key = counted(claim)
            if counts[key] >= claim.daily_limit:
                continue
            counts[key] += 1
        allowed.append(claim)
    write_counts(session, counts, before)
    return allowed


_WAIT_FOR_SIGN_INS = """
    SELECT count(pg_advisory_xact_lock_shared(hashtextextended(v, 0)))
    FROM (SELECT DISTINCT v FROM unnest(CAST(%(visitors)s AS text[])) AS v ORDER BY v) AS sorted
"""

_WAITING = text(
    """
    SELECT c.code_id, c.points, c.decision, c.campaign_id, c.decided_at, k.daily_limit,
           b.time_zone
    FROM claim c JOIN campaign k ON k.brand_id = c.brand_id AND k.id = c.campaign_id
    JOIN brand b ON b.id = c.brand_id
    WHERE c.visitor_id = :visitor AND c.brand_id = :brand AND c.member_id IS NULL
      AND c.decision IN ('granted', 'held')
    ORDER BY c.decided_at, c.code_id LIMIT :limit FOR UPDATE OF c
    """
)

_BIND = text(
    """
    UPDATE claim SET member_id = :member, bound_at = :now
    WHERE brand_id = :brand AND code_id = ANY(CAST(:codes AS bigint[])) AND member_id IS NULL
    """
)
