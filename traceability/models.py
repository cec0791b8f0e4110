"""Facts: where goods went, who should sell them, who scanned what, when and where."""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, of_brand

BLOCK_CODES = 64  # to change it, write `packing_block` anew


class BizStep(enum.StrEnum):
    """Business steps of the Core Business Vocabulary (GS1 CBV 2.0, §7.1)."""

    PACKING = "packing"
    SHIPPING = "shipping"
    RECEIVING = "receiving"
    INSPECTING = "inspecting"  # a signed-in operator looked at an item


class Territory(Base):
    """The distributor may sell the product (all, if none) there, by the channel (any, if none)."""

    __tablename__ = "territory"
    __table_args__ = (
        Index("ix_territory_distributor", "brand_id", "distributor_id"),
        of_brand("distributor_id", "distributor.id"),
        of_brand("product_id", "product.id"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    distributor_id: Mapped[int]
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    product_id: Mapped[int | None]
    channel: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]


class TraceEvent(Base):
    """What, when, where and why, in the shape of EPCIS 2.0; never changed, only corrected."""

    __tablename__ = "trace_event"
    __table_args__ = (
        of_brand("site_id", "site.id"),
        of_brand("to_site_id", "site.id"),
        UniqueConstraint("brand_id", "key"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]  # the caller's: the same again returns the same event
    fingerprint: Mapped[str]
    biz_step: Mapped[str]
    event_time: Mapped[datetime]
    recorded_at: Mapped[datetime]
    site_id: Mapped[int]
    to_site_id: Mapped[int | None]
    document: Mapped[str | None]
    actor: Mapped[str]


class TraceEventRange(Base):
    """The codes `[lo, hi)` (of items or of cartons) that an event speaks of."""

    __tablename__ = "trace_event_range"
    __table_args__ = (
        of_brand("event_id", "trace_event.id"),
        Index("ix_trace_event_range_codes", text("int8range(lo, hi)"), postgresql_using="gist"),
    )

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True)
    lo: Mapped[int] = mapped_column(primary_key=True)
    hi: Mapped[int]


class Carton(Base):
    """A packed carton; `carton_id` is the code_id of its own sealed code.

    Its content is in runs of `Packing`, or else in `items`: sorted code_ids that are no runs.
    """

    __tablename__ = "carton"
    __table_args__ = (
        of_brand("product_id", "product.id"),
        of_brand("event_id", "trace_event.id"),
        UniqueConstraint("brand_id", "sscc"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    carton_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sscc: Mapped[str | None]
    product_id: Mapped[int | None]
    quantity: Mapped[int]
    event_id: Mapped[int]
    packed_at: Mapped[datetime]
    items: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger), deferred=True)


class Packing(Base):
    """The items `[lo, hi)` are in the carton; rows never overlap.

    An item is in such a run, in a `PackingBlock`, or not packed.
    """

    __tablename__ = "packing"
    __table_args__ = (
        Index("ix_packing_carton", "brand_id", "carton_id"),
        of_brand("carton_id", "carton.carton_id"),
        CheckConstraint("lo < hi", name="not_empty"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    lo: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hi: Mapped[int]
    carton_id: Mapped[int]


class PackingBlock(Base):
    """Items without runs: the item `BLOCK_CODES * block + slots[n]` is in the carton `cartons[n]`.

    Both arrays are as long as such items were packed, in the order of the reports.
    """

    __tablename__ = "packing_block"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slots: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    cartons: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class Custody(Base):
    """Who has the codes `[lo, hi)` (cartons, or loose items) now; rows never overlap."""

    __tablename__ = "custody"
    __table_args__ = (
        Index("ix_custody_site", "brand_id", "site_id"),
        of_brand("site_id", "site.id"),
        of_brand("event_id", "trace_event.id"),
        CheckConstraint("lo < hi", name="not_empty"),
    )

    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"), primary_key=True)
    lo: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hi: Mapped[int]
    site_id: Mapped[int]
    disposition: Mapped[str]  # in_transit, in_progress (GS1 CBV 2.0, §7.2)
    event_id: Mapped[int]
    since: Mapped[datetime]


class Item(Base):
    """An item that was scanned; born with its first scan."""

    __tablename__ = "item"

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_at: Mapped[datetime]
    first_visitor: Mapped[UUID]
    first_region: Mapped[str | None]
    scans: Mapped[int]
    last_at: Mapped[datetime]
    last_visitor: Mapped[UUID]


class Scan(Base):
    """One scan session of one code; partitioned by month.

    Found by the visitor, who is asked for with every scan: a code that everybody scans has many.
    """

    __tablename__ = "scan"
    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    verdict: Mapped[str]
    reasons: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    region_code: Mapped[str | None]
    region_source: Mapped[str | None]
    accuracy_m: Mapped[int | None]
    door: Mapped[str]  # page, app


class VisitorTrack(Base):
    """Where a visitor was last, and how many of a brand's items it scanned in this window."""

    __tablename__ = "visitor_track"

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    window_started_at: Mapped[datetime]
    window_scans: Mapped[int]
    last_at: Mapped[datetime]
    last_region: Mapped[str | None]
    place_at: Mapped[datetime | None]


class ForgedAttempts(Base):
    """How many forged serials a source (a keyed, rotating digest of its address) tried an hour."""

    __tablename__ = "forged_attempts"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[bytes] = mapped_column(primary_key=True)
    attempts: Mapped[int]


class IntakeBatch(Base):
    """Proof that a batch was committed, for a committer that lost its connection on the way."""

    __tablename__ = "intake_batch"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Sighting(Base):
    """An item's first scan joined with who should have sold it there on that day."""

    __tablename__ = "sighting"
    __table_args__ = (
        Index("ix_sighting_flow", "brand_id", "distributor_id", "product_id", "region_code"),
        Index("ix_sighting_carton", "brand_id", "carton_id"),
    )

    brand_id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    visitor_id: Mapped[UUID]
    region_code: Mapped[str | None]
    region_source: Mapped[str | None]
    product_id: Mapped[int | None]
    carton_id: Mapped[int | None]
    event_id: Mapped[int | None]  # the shipment that says who has it
    site_id: Mapped[int | None]
    distributor_id: Mapped[int | None]
    in_territory: Mapped[bool | None]  # None: not known (no place, no shipment, too coarse)
    resolved_at: Mapped[datetime]
