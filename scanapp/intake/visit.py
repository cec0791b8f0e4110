"""What a request asks of intake, and what it is told."""

import enum
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from rewards.claim import ClaimAnswer
from traceability.verdict import ALLOW, Verdict


class Kind(enum.StrEnum):
    LOOK = "look"  # changes nothing, counts nothing
    SCAN = "scan"
    CLAIM = "claim"  # a scan too, if the page's beacon did not come through
    PLACE = "place"  # where the visitor's scan was, told after it


class Outcome(enum.StrEnum):
    FORGED = "forged"
    INACTIVE = "inactive"
    VOID = "void"
    OUTER = "outer"
    FIRST = "first"
    AGAIN_MINE = "again_mine"
    AGAIN_NEAR = "again_near"  # within the hour in the same region: the same household, likely
    AGAIN_OTHER = "again_other"


# Sources of a place that somebody told. The region of an address ("proxy") is a guess, often a
# province away on mobile networks, so nobody's speed is measured by it.
TOLD = ("browser", "app")


@dataclass(frozen=True, slots=True)
class Place:
    """A region and how it became known: browser, app, or proxy (the address' region)."""

    region_code: str
    source: str
    accuracy_m: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request about one opened code. `gtin` and `lot` are those in its address."""

    kind: Kind
    code_id: int
    brand_id: int
    visitor_id: UUID
    at: datetime
    source: bytes
    door: str = "page"
    gtin: str | None = None
    lot: str | None = None
    place: Place | None = None
    request_id: str = ""  # for the logs


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
