"""A position told by a phone becomes a region at once; the position itself is never kept."""

from collections.abc import Mapping
from typing import Any

from core.errors import N_, BadInput
from core.regions.datum import gcj02_to_wgs84
from core.regions.tree import RegionTree
from traceability.visit import Place

DATUMS = ("wgs84", "gcj02")
ACCURACY_MOST_M = 1_000_000


def place_at(fields: Mapping[str, Any], source: str, regions: RegionTree) -> Place | None:
    """The region at `lat`, `lon` (degrees), with `accuracy` in metres; None when far from all.

    `datum` is wgs84 (browsers; the default) or gcj02 (Chinese map SDKs). Raises `BadInput`.
    """
    if any(isinstance(fields.get(name), bool) for name in ("lat", "lon", "accuracy")):
        raise BadInput(reason=N_("A position needs lat and lon, in degrees."))
    try:
        lat, lon = float(fields["lat"]), float(fields["lon"])
        accuracy_m = min(max(int(float(fields.get("accuracy") or 0)), 0), ACCURACY_MOST_M)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BadInput(reason=N_("A position needs lat and lon, in degrees.")) from None
    datum = fields.get("datum") or "wgs84"
    if datum not in DATUMS:
        raise BadInput(reason=N_("The datum is wgs84 or gcj02."))
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise BadInput(reason=N_("A position needs lat and lon, in degrees."))
    if datum == "gcj02":
        lat, lon = gcj02_to_wgs84(lat, lon)
    found = regions.nearest(lat, lon)
    return Place(found[0], source, accuracy_m or None) if found else None
