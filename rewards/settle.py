"""Held claims: the brand grants or refuses them, each step kept with the claim."""

import json
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.rows import array
from rewards.answer import ClaimState
from rewards.credit import CREDIT, ToCredit
from rewards.errors import ClaimNotHeld, TooManyClaims
from rewards.models import Claim

SETTLED_AT_ONCE_MAX = 100  # as many as the list shows


def settle(session: Session, brand_id: int, code_id: int, grant: bool, actor: str) -> Claim:
    """The held claim is granted, or refused and its points are free again in the budget.

    Raises `ClaimNotHeld` when it is not waiting.
    """
    settle_all(session, brand_id, [code_id], grant, actor)
    return session.get_one(Claim, (brand_id, code_id), populate_existing=True)


def settle_all(
    session: Session, brand_id: int, code_ids: Collection[int], grant: bool, actor: str
) -> None:
    """All of the held claims are granted, or refused and their points are free again.

    At most 100. Raises `ClaimNotHeld` when one is not waiting (any more); `TooManyClaims`.
    """
    wanted = set(code_ids)
    if len(wanted) > SETTLED_AT_ONCE_MAX:
        raise TooManyClaims(limit=SETTLED_AT_ONCE_MAX)
    step = {"code": "settled", "facts": {"by": actor, "at": clock.now().isoformat()}}
    values = {
        "brand": brand_id,
        "codes": array(sorted(wanted)),
        "decision": ClaimState.GRANTED if grant else ClaimState.REFUSED,
        "step": json.dumps([step]),
    }
    settled = session.execute(_SETTLE, values).all()
    if len(settled) != len(wanted) or not wanted:
        raise ClaimNotHeld()
    if not grant:
        session.execute(_FREE, {"brand": brand_id, "codes": values["codes"]})
        return
    owed = [row.code_id for row in settled if row.member_id is not None]
    if owed:
        CREDIT.put(session, brand_id, ToCredit(tuple(owed)))


# Locked in the order of codes, as claims are everywhere.
_SETTLE = text(
    """
    WITH held AS (
        SELECT code_id FROM claim
        WHERE brand_id = :brand AND code_id = ANY(CAST(:codes AS bigint[])) AND decision = 'held'
        ORDER BY code_id FOR UPDATE)
    UPDATE claim SET decision = :decision,
        reasons = coalesce(reasons, '[]') || CAST(:step AS jsonb)
    FROM held WHERE claim.brand_id = :brand AND claim.code_id = held.code_id
    RETURNING claim.code_id, claim.member_id
    """
)

_FREE = text(
    """
    UPDATE campaign_budget b SET reserved_points = b.reserved_points - freed.points
    FROM (SELECT campaign_id, sum(points) AS points FROM claim
          WHERE brand_id = :brand AND code_id = ANY(CAST(:codes AS bigint[]))
          GROUP BY campaign_id) AS freed
    WHERE b.brand_id = :brand AND b.campaign_id = freed.campaign_id
    """
)
