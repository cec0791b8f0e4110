"""Regions as a tree: country, province, prefecture, county."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Region(Base):
    """A place goods are sold in. China: GB/T 2260 digits; elsewhere: ISO 3166-1 alpha-2."""

    __tablename__ = "region"

    code: Mapped[str] = mapped_column(primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"), index=True)
    level: Mapped[str]  # country, province, prefecture, county
    name_zh: Mapped[str]
    name_en: Mapped[str]
    lat: Mapped[float | None]  # WGS-84 centroid
    lon: Mapped[float | None]
    same_as: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
