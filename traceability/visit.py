"""Visits: somebody looks at a code, scans it, claims it, or tells where that was."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

SESSION = timedelta(minutes=30)  # a reload within it, by the same visitor, is the same scan
HOUR = timedelta(hours=1)


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
