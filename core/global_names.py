"""Names that are one brand's in the whole installation, and the brand that each leads to.

A brand's own tables can't say so: their unique constraints begin with the brand.
"""

import enum

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base


class NameKind(enum.StrEnum):
    """What no two brands may have in common."""

    LOGIN = "login"
    KEY_PREFIX = "key_prefix"
    SIGNING_KEY = "signing_key"


class GlobalName(Base):
    """The name is the brand's."""

    __tablename__ = "global_name"

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))


def take(session: Session, kind: NameKind, name: str, brand_id: int) -> bool:
    """Whether the name was free, and is the brand's from now on."""
    row = insert(GlobalName).values(kind=kind, name=name, brand_id=brand_id)
    taken = row.on_conflict_do_nothing().returning(GlobalName.name)
    return session.scalar(taken) is not None


def brand_of(session: Session, kind: NameKind, name: str) -> int | None:
    """The id of the brand whose name it is, if it is any's."""
    query = select(GlobalName.brand_id).where(GlobalName.kind == kind, GlobalName.name == name)
    return session.scalar(query)
