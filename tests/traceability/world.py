"""A small trade: a plant, a warehouse and two distributors, with printed items and cartons."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen.models import CodeOrder, Product
from identity.models import Brand, Distributor, Site
from tests import factories
from tests.factories import NOON
from traceability.goods import Range
from traceability.models import TraceEvent
from traceability.pack import pack_as_printed
from traceability.receive import Received, receive
from traceability.ship import ship

HANGZHOU, NINGBO, ZHEJIANG, GUANGZHOU = "330100", "330200", "330000", "440100"


def day(number: float) -> datetime:
    """Noon of a day; day 0 is ten days before `NOON`, so that days up to 10 are past."""
    return NOON + timedelta(days=number - 10)


@dataclass(frozen=True)
class World:
    session: Session
    brand: Brand
    product: Product
    items: CodeOrder  # 240 of them
    cartons: CodeOrder  # 20 of them
    plant: Site
    warehouse: Site
    east: Distributor
    east_site: Site
    south: Distributor
    south_site: Site

    def pack(self, **more: Any) -> TraceEvent:
        """Ten cartons of twelve, packed on day 1."""
        values: dict[str, Any] = {
            "brand_id": self.brand.id,
            "items_order_id": self.items.id,
            "cartons_order_id": self.cartons.id,
            "first_item": 1,
            "quantity_per_carton": 12,
            "cartons": 10,
            "site_id": self.plant.id,
            "key": "pack-1",
            "at": day(1),
            "actor": "line 1",
            **more,
        }
        return pack_as_printed(self.session, **values)

    def ship(
        self, key: str, codes: list[Range], source: Site, target: Site, at: float
    ) -> TraceEvent:
        return ship(
            self.session,
            brand_id=self.brand.id,
            key=key,
            document=f"DN {key}",
            from_site_id=source.id,
            to_site_id=target.id,
            codes=codes,
            at=day(at),
            actor="erp",
        )

    def receive(self, key: str, codes: list[Range], site: Site, at: float) -> Received:
        return receive(
            self.session,
            brand_id=self.brand.id,
            key=key,
            document=None,
            site_id=site.id,
            codes=codes,
            at=day(at),
            actor="clerk",
        )

    def carton(self, first: int, last: int | None = None) -> Range:
        """The codes of the cartons with these numbers, from 1, both ends included."""
        return (self.cartons.lo + first - 1, self.cartons.lo + (last or first))

    def item(self, first: int, last: int | None = None) -> Range:
        return (self.items.lo + first - 1, self.items.lo + (last or first))


def world(session: Session) -> World:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    east = factories.distributor(session, brand, name="East")
    south = factories.distributor(session, brand, name="South")
    east_site = {"name": "East's", "distributor_id": east.id, "channel": "general"}
    south_site = {"name": "South's", "distributor_id": south.id, "channel": "ka"}
    return World(
        session=session,
        brand=brand,
        product=product,
        items=factories.active_order(session, brand, product, 240),
        cartons=factories.cartons(session, brand, 20),
        plant=factories.site(session, brand, kind="plant", name="Plant"),
        warehouse=factories.site(session, brand, name="Warehouse"),
        east=east,
        east_site=factories.site(session, brand, kind="distributor", **east_site),
        south=south,
        south_site=factories.site(session, brand, kind="distributor", **south_site),
    )


TABLES = (
    "carton", "packing", "packing_block", "custody", "trace_event", "trace_event_range", "outbox",
)  # fmt: skip


def counts(session: Session) -> dict[str, int]:
    """How many rows the tables have that a verb of goods writes to."""
    return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in TABLES}
