"""Filling the table of regions. Safe to run again: the same data change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import lists
from core.regions.counties import read_counties
from core.regions.shipped import Place, shipped_places

# A newer file without positions or English names does not wipe out those of an older one.
_UPSERT = text("""
    INSERT INTO region AS r
           (code, parent_code, level, name_zh, name_en, lat, lon, same_as)
    SELECT * FROM unnest(
        CAST(:code AS text[]), CAST(:parent_code AS text[]), CAST(:level AS text[]),
        CAST(:name_zh AS text[]), CAST(:name_en AS text[]), CAST(:lat AS double precision[]),
        CAST(:lon AS double precision[]), CAST(:same_as AS text[]))
    ON CONFLICT (code) DO UPDATE SET
        parent_code = excluded.parent_code, level = excluded.level,
        name_zh = excluded.name_zh, name_en = coalesce(excluded.name_en, r.name_en),
        lat = coalesce(excluded.lat, r.lat), lon = coalesce(excluded.lon, r.lon),
        same_as = excluded.same_as
    WHERE (r.parent_code, r.level, r.name_zh, r.name_en, r.lat, r.lon, r.same_as)
        IS DISTINCT FROM (excluded.parent_code, excluded.level, excluded.name_zh,
            coalesce(excluded.name_en, r.name_en), coalesce(excluded.lat, r.lat),
            coalesce(excluded.lon, r.lon), excluded.same_as)
    -- xmax is 0 in a row that was inserted, not in one that was updated.
    RETURNING xmax = 0 AS added
""")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an import did, in rows."""

    added: int
    updated: int
    unchanged: int
    shipped: int = 0
    """Rows of the file that are shipped regions: the shipped ones stay as they are."""
    repeated: tuple[int, ...] = ()
    """Lines of the file that say what an earlier one said; they count once."""


def load(session: Session) -> Loaded:
    """The shipped regions are in the table, as they are in this version. One statement.

    Regions that are no longer shipped stay: old facts point to them.
    """
    return _upsert(session, shipped_places())


def import_counties(session: Session, source: BinaryIO | str) -> Loaded:
    """The counties of a CSV file are in the table, and the shipped regions too.

    `source`: an open file or its text; columns and bounds: see `read_counties`. A county that is
    in the table gets what the file says of it; none is taken away. Errors: `CountiesRefused` with
    the wrong lines, or what `core.lists.read` raises, before anything is changed.
    """
    read = read_counties(lists.read(source))
    shipped_codes = {place.code for place in shipped_places()}
    fresh = [county for county in read.places if county.code not in shipped_codes]
    load(session)
    done = _upsert(session, fresh)
    return Loaded(
        done.added,
        done.updated,
        done.unchanged,
        shipped=len(read.places) - len(fresh),
        repeated=tuple(read.repeated),
    )


def _upsert(session: Session, places: Sequence[Place]) -> Loaded:
    ordered = sorted(places, key=lambda place: place.code)
    columns = Place.__dataclass_fields__
    arrays = {column: [getattr(place, column) for place in ordered] for column in columns}
    written = session.execute(_UPSERT, arrays).scalars().all()
    added = sum(written)
    return Loaded(added, len(written) - added, len(ordered) - len(written))
