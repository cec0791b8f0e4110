"""What is asked of an item's claim, and what is answered."""

import enum
from dataclasses import dataclass
from uuid import UUID

from traceability.verdict import Verdict


class ClaimState(enum.StrEnum):
    """How a claim stands; the first three are also what is kept of it."""

    GRANTED = "granted"
    HELD = "held"
    REFUSED = "refused"
    TAKEN = "taken"  # somebody else claimed the item before


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A visitor claims an item that was scanned; the caller has locked the item's row.

    `area_codes`: the region that the goods were put into, and those around it; None if unknown.
    """

    code_id: int
    brand_id: int
    product_id: int | None
    area_codes: tuple[str, ...] | None
    visitor_id: UUID
    verdict: Verdict
    request_id: str = ""  # for the logs


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """How the claim went; `reason` says why not."""

    state: ClaimState
    points: int = 0
    campaign_id: int | None = None
    member_id: int | None = None
    reason: str | None = None
    is_repeat: bool = False


def owner_sees(
    decision: ClaimState,
    points: int,
    campaign_id: int | None,
    claimed_by: tuple[UUID, int | None],
    asks: tuple[UUID, int | None],
) -> ClaimAnswer:
    """An earlier claim as `asks` may know it: `taken` unless it was made by the same person.

    Both persons are `(visitor, member or None)`.
    """
    same_member = claimed_by[1] is not None and claimed_by[1] == asks[1]
    if same_member or claimed_by[0] == asks[0]:
        return ClaimAnswer(decision, points, campaign_id, claimed_by[1], is_repeat=True)
    return ClaimAnswer(ClaimState.TAKEN, reason="taken", is_repeat=True)
