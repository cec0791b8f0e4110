"""The table of regions."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.regions.shipped import Level


class Region(Base):
    """A country, province, prefecture or county; its code is what other tables keep."""

    __tablename__ = "region"

    # ISO 3166-1 alpha-2, or the 6 digits of GB/T 2260.
    code: Mapped[str] = mapped_column(primary_key=True)
    # Null for countries.
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"), index=True)
    level: Mapped[Level] = mapped_column(String)
    name_zh: Mapped[str]
    # Null for imported counties whose file gave none: the Chinese name stands in.
    name_en: Mapped[str | None]
    # WGS-84 degrees of the seat. Null for imported counties whose file gave none: the parent's
    # position stands in for distances, and the county is never the answer to "what is nearest?".
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    # The code of the same place under which facts are kept: ISO's HK is GB/T's 810000.
    same_as: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
