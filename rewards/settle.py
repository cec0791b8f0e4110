"""Held claims: the brand grants or refuses them, each step kept with the claim."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, outbox
from rewards.errors import ClaimNotHeld
from rewards.models import Claim


def settle(session: Session, brand_id: int, code_id: int, grant: bool, actor: str) -> Claim:
    """The held claim is granted, or refused and its points are free again in the budget.

    Raises `ClaimNotHeld` when it is not waiting.
    """
    claim = session.get(Claim, (brand_id, code_id), with_for_update=True)
    if claim is None or claim.decision != "held":
        raise ClaimNotHeld()
    claim.decision = "granted" if grant else "refused"
    step = {"code": "settled", "facts": {"by": actor, "at": clock.now().isoformat()}}
    claim.reasons = [*(claim.reasons or []), step]
    session.flush()
    if not grant:
        session.execute(
            text(
                "UPDATE campaign_budget SET reserved_points = reserved_points - :points "
                "WHERE brand_id = :brand AND campaign_id = :id"
            ),
            {"points": claim.points, "brand": brand_id, "id": claim.campaign_id},
        )
    elif claim.member_id is not None:
        outbox.put(session, "credit", brand_id, {"codes": [code_id]})
    return claim
