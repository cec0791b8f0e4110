"""Work that facts owe: sightings of what was scanned, and a look at the flows that changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec

from core.outbox import Owed, Topic
from traceability.visit import Visit

Entry = TypeVar("Entry")

Flow = tuple[int, int]
"""Goods of one product that went to one distributor: ids of distributor and product."""


class FirstScan(NamedTuple):
    """An item's first scan by a person."""

    code_id: int
    at: datetime
    visitor_id: UUID
    region_code: str | None
    region_source: str | None
    product_id: int | None


class PlaceTold(NamedTuple):
    """Where an item's first scan was, told after it."""

    code_id: int
    region_code: str
    region_source: str


class ToTrace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that change sightings; `events` and `distributors` are ids.

    Of these, only sightings of codes greater than `after` are still to be judged again.
    """

    scans: tuple[FirstScan, ...] = ()
    places: tuple[PlaceTold, ...] = ()
    events: tuple[int, ...] = ()
    distributors: tuple[int, ...] = ()
    after: int = -1


class ToDetect(msgspec.Struct, frozen=True):
    """Flows whose sightings changed."""

    flows: tuple[Flow, ...]


TRACE = Topic("trace", ToTrace)
DETECT = Topic("detect", ToDetect)


def owed_by_visits(firsts: Iterable[tuple[Visit, int | None]], told: Iterable[Visit]) -> list[Owed]:
    """What visits owe to the trace, one row per brand and kind.

    `firsts` are first scans, each with its item's product; `told` are places of first scans.
    """
    scans = [(visit, _first_scan(visit, product_id)) for visit, product_id in firsts]
    places = [
        (visit, PlaceTold(visit.code_id, visit.place.region_code, visit.place.source))
        for visit in told
        if visit.place is not None
    ]
    rows = [
        TRACE.owed(brand_id, ToTrace(scans=tuple(entries)), requests)
        for brand_id, entries, requests in _by_brand(scans)
    ]
    rows += [
        TRACE.owed(brand_id, ToTrace(places=tuple(entries)), requests)
        for brand_id, entries, requests in _by_brand(places)
    ]
    return rows


def _first_scan(visit: Visit, product_id: int | None) -> FirstScan:
    place = visit.place
    region, source = (place.region_code, place.source) if place else (None, None)
    return FirstScan(visit.code_id, visit.at, visit.visitor_id, region, source, product_id)


def _by_brand(
    entries: Iterable[tuple[Visit, Entry]],
) -> list[tuple[int, list[Entry], list[str]]]:
    """Of each brand the entries, and the requests that they are from."""
    found: dict[int, tuple[list[Entry], list[str]]] = {}
    for visit, entry in entries:
        of_brand = found.setdefault(visit.brand_id, ([], []))
        of_brand[0].append(entry)
        of_brand[1].append(visit.request_id)
    return [(brand_id, *found[brand_id]) for brand_id in sorted(found)]
