"""Founding a brand, and where its days are."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, day
from identity import naming
from identity.errors import BadTimeZone, NameTaken
from identity.models import Brand


def found_brand(
    session: Session,
    code: str,
    name_zh: str,
    name_en: str,
    time_zone: str = day.DEFAULT_ZONE,
) -> Brand:
    """The new brand. Raises `BadCode`, `BadName`, `BadTimeZone`, or `NameTaken` for its code."""
    values = {
        "code": naming.brand_code(code),
        "name_zh": naming.name("Chinese name", name_zh),
        "name_en": naming.name("English name", name_en),
        "time_zone": _known_zone(session, time_zone),
        "created_at": clock.now(),
    }
    query = insert(Brand).values(values).on_conflict_do_nothing().returning(Brand)
    brand = session.scalar(query)
    if brand is None:
        raise NameTaken(what="brand", name=values["code"])
    return brand


def move_days(session: Session, brand_id: int, time_zone: str) -> None:
    """The brand's days begin and end by this time zone from now on. Raises `BadTimeZone`.

    Daily limits of the present day count anew what the two days don't share.
    """
    brand = session.get_one(Brand, brand_id)
    brand.time_zone = _known_zone(session, time_zone)
    session.flush()


def _known_zone(session: Session, name: str) -> str:
    """The name, if Python and PostgreSQL both know the zone: each brings a list of its own."""
    try:
        day.zone(name)
    except ValueError as error:
        raise BadTimeZone(name=name[:40]) from error
    known = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)")
    # Names of no place (EST, Factory) have other rules here and there, or none.
    is_place = "/" in name or name == "UTC"
    if not is_place or not session.scalar(known, {"name": name}):
        raise BadTimeZone(name=name[:40])
    return name
