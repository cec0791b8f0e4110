"""What a visit is told."""

from dataclasses import dataclass
from datetime import date, datetime

from rewards.answer import ClaimAnswer
from traceability.verdict import ALLOW, Verdict
from traceability.visit import Outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """What is true of the code once the batch is committed.

    `claim` is the item's claim as this visitor may know it; `offer_points` and
    `offer_campaign_id` what a claim would give, if there is none yet.
    """

    outcome: Outcome
    brand_id: int
    product_id: int | None = None
    lot: str | None = None
    produced_on: date | None = None
    expires_on: date | None = None
    state: str | None = None
    void_reason: str | None = None
    first_at: datetime | None = None
    first_region: str | None = None
    scans: int = 0
    member_id: int | None = None
    verdict: Verdict = ALLOW
    claim: ClaimAnswer | None = None
    offer_points: int | None = None
    offer_campaign_id: int | None = None
