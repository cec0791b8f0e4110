"""What a batch owes to the trace: first scans, and places that were told after them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from core.outbox import with_requests
from scanapp.intake.visit import Visit


class Owed(NamedTuple):
    """An outbox row that the batch owes."""

    topic: str
    brand_id: int
    payload: dict[str, Any]


def first_scans(births: Iterable[tuple[Visit, int | None]]) -> list[Owed]:
    """A row a brand with its first scans; each visit comes with its item's product."""
    return _a_row_a_brand(
        "scans",
        [
            (
                visit,
                [
                    visit.code_id,
                    visit.at,
                    visit.visitor_id,
                    visit.place.region_code if visit.place else None,
                    visit.place.source if visit.place else None,
                    product_id,
                ],
            )
            for visit, product_id in births
        ],
    )


def places(told: Iterable[Visit]) -> list[Owed]:
    """A row a brand with the places that first scans turned out to be at."""
    return _a_row_a_brand(
        "places",
        [
            (visit, [visit.code_id, visit.place.region_code, visit.place.source])
            for visit in told
            if visit.place is not None
        ],
    )


def _a_row_a_brand(kind: str, entries: Iterable[tuple[Visit, list[Any]]]) -> list[Owed]:
    by_brand: dict[int, list[tuple[Visit, list[Any]]]] = {}
    for visit, entry in entries:
        by_brand.setdefault(visit.brand_id, []).append((visit, entry))
    return [
        Owed(
            "trace",
            brand_id,
            with_requests(
                {kind: [entry for _, entry in of_brand]},
                (visit.request_id for visit, _ in of_brand),
            ),
        )
        for brand_id, of_brand in sorted(by_brand.items())
    ]
