"""Founding a brand."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from identity import naming
from identity.errors import NameTaken
from identity.models import Brand


def found_brand(session: Session, code: str, name_zh: str, name_en: str) -> Brand:
    """The new brand. Raises `BadCode`, `BadName`, or `NameTaken` when the code is in use."""
    values = {
        "code": naming.brand_code(code),
        "name_zh": naming.name("Chinese name", name_zh),
        "name_en": naming.name("English name", name_en),
        "created_at": clock.now(),
    }
    query = insert(Brand).values(values).on_conflict_do_nothing().returning(Brand)
    brand = session.scalar(query)
    if brand is None:
        raise NameTaken(what="brand", name=values["code"])
    return brand
