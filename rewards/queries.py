"""What is asked of campaigns, claims and wallets; every question names the brand that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.orm import Session

from ledger.accounts import balance
from rewards.credit import CLAIM_KEY, MEMBER
from rewards.models import Campaign, CampaignBudget, Claim
from traceability.lookup import covering

HISTORY_LIMIT = 100


def campaigns(session: Session, brand_id: int) -> Sequence[tuple[Campaign, int]]:
    """The brand's campaigns with the points reserved of each budget, newest first, at most 200."""
    query = (
        select(Campaign, CampaignBudget.reserved_points)
        .join(
            CampaignBudget,
            and_(
                CampaignBudget.brand_id == Campaign.brand_id,
                CampaignBudget.campaign_id == Campaign.id,
            ),
        )
        .where(Campaign.brand_id == brand_id)
        .order_by(Campaign.id.desc())
        .limit(200)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def every_campaign(session: Session, ended_after: datetime) -> Sequence[Campaign]:
    """All brands' campaigns that did not end before then: what a door keeps in memory."""
    query = select(Campaign).where(
        (Campaign.ends_at.is_(None)) | (Campaign.ends_at > ended_after),
        (Campaign.stopped_at.is_(None)) | (Campaign.stopped_at > ended_after),
    )
    return session.scalars(query).all()


@dataclass(frozen=True)
class WalletEntry:
    """Why points were given: `state` is credited, crediting (on their way) or held."""

    at: datetime
    points: int
    state: str
    campaign_zh: str
    campaign_en: str
    product_zh: str | None
    product_en: str | None


@dataclass(frozen=True)
class Wallet:
    balance_points: int
    waiting_points: int  # granted, on their way into the balance
    held_points: int  # the brand is still looking
    entries: list[WalletEntry]


def wallet_of(session: Session, brand_id: int, member_id: int) -> Wallet:
    """The member's points and the last 100 reasons for them, newest first."""
    rows: list[Any] = list(
        session.execute(_ENTRIES, {"brand": brand_id, "member": member_id, "limit": HISTORY_LIMIT})
    )
    waiting, held = session.execute(_ON_THE_WAY, {"brand": brand_id, "member": member_id}).one()
    return Wallet(
        balance_points=balance(session, brand_id, MEMBER, member_id),
        waiting_points=waiting,
        held_points=held,
        entries=[WalletEntry(**row._mapping) for row in rows],
    )


def waiting_points(session: Session, brand_id: int, visitor_id: UUID) -> int:
    """The points that wait for this visitor to sign in."""
    return int(session.execute(_WAITING, {"brand": brand_id, "visitor": visitor_id}).scalar_one())


def held_claims(session: Session, brand_id: int, limit: int = 100) -> Sequence[Claim]:
    """The brand's claims that wait for its decision, oldest first."""
    query = (
        select(Claim)
        .where(Claim.brand_id == brand_id, Claim.decision == "held")
        .order_by(Claim.decided_at)
    )
    return session.scalars(query.limit(limit)).all()


def claim_of(session: Session, brand_id: int, code_id: int) -> Claim | None:
    """The item's claim, or None."""
    return session.get(Claim, (brand_id, code_id))


@dataclass(frozen=True)
class ClaimTotals:
    granted: int
    held: int
    refused: int
    points_granted: int


def claim_totals(session: Session, brand_id: int) -> ClaimTotals:
    """How the brand's claims ended so far; those turned away again and again count each time."""
    return ClaimTotals(*session.execute(_TOTALS, {"brand": brand_id}).one())


_ENTRIES = text(
    f"""
    SELECT c.decided_at AS at, c.points,
           CASE WHEN c.decision = 'held' THEN 'held'
                WHEN t.id IS NULL THEN 'crediting' ELSE 'credited' END AS state,
           k.name_zh AS campaign_zh, k.name_en AS campaign_en,
           p.name_zh AS product_zh, p.name_en AS product_en
    FROM claim c
    JOIN campaign k ON k.brand_id = c.brand_id AND k.id = c.campaign_id
    LEFT JOIN transfer t ON t.brand_id = c.brand_id AND t.key = {CLAIM_KEY}
    LEFT JOIN {covering("code_range", "c.code_id", "c.brand_id")} AS r ON true
    LEFT JOIN product p ON p.brand_id = c.brand_id AND p.id = r.product_id
    WHERE c.brand_id = :brand AND c.member_id = :member AND c.decision IN ('granted', 'held')
    ORDER BY c.decided_at DESC, c.code_id LIMIT :limit
    """
)

_ON_THE_WAY = text(
    f"""
    SELECT CAST(coalesce(sum(c.points) FILTER (WHERE c.decision = 'granted' AND t.id IS NULL), 0)
                AS bigint),
           CAST(coalesce(sum(c.points) FILTER (WHERE c.decision = 'held'), 0) AS bigint)
    FROM claim c
    LEFT JOIN transfer t ON t.brand_id = c.brand_id AND t.key = {CLAIM_KEY}
    WHERE c.brand_id = :brand AND c.member_id = :member
    """
)

_WAITING = text(
    """
    SELECT coalesce(sum(points), 0) FROM claim
    WHERE brand_id = :brand AND visitor_id = :visitor AND member_id IS NULL
      AND decision = 'granted'
    """
)

_TOTALS = text(
    """
    SELECT count(*) FILTER (WHERE decision = 'granted'), count(*) FILTER (WHERE decision = 'held'),
           count(*) FILTER (WHERE decision = 'refused')
             + (SELECT count(*) FROM claim_refusal WHERE brand_id = :brand),
           CAST(coalesce(sum(points) FILTER (WHERE decision = 'granted'), 0) AS bigint)
    FROM claim WHERE brand_id = :brand
    """
)
