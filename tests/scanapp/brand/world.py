"""A small trade, committed: what the console's pages are asked about."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from codegen.models import CodeOrder, Product
from codegen.printing import code_list
from codegen.printing import labels as labels_of
from core.db import Base
from identity.models import Brand, Distributor, Site
from tests import factories
from traceability.pack import pack_as_printed

Commit = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class Trade:
    """100 active items, 10 cartons of which 3 hold 12 items each, and where goods may be."""

    engine: Engine
    brand: Brand
    product: Product
    items: CodeOrder
    cartons: CodeOrder
    plant: Site
    dealer: Distributor
    shop: Site

    def serial(self, order: CodeOrder, number: int) -> str:
        """The serial of one of the order's numbers."""
        with Session(self.engine) as session:
            codes = code_list(session, order, factories.KEK)
            return next(labels_of(codes, number, number)).serial

    def count(self, model: type[Base]) -> int:
        """How many rows the table has now."""
        with Session(self.engine) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


def trade(commit: Commit, engine: Engine, brand: Brand) -> Trade:
    """The brand's small trade."""
    with commit() as session:
        product = factories.product(session, brand)
        dealer = factories.distributor(session, brand, name="East Trading")
        made = Trade(
            engine=engine,
            brand=brand,
            product=product,
            items=factories.active_order(session, brand, product),
            cartons=factories.cartons(session, brand),
            plant=factories.site(session, brand, name="Plant", kind="plant"),
            dealer=dealer,
            shop=factories.site(session, brand, name="Shop", distributor_id=dealer.id),
        )
        pack_as_printed(
            session,
            brand_id=brand.id,
            items_order_id=made.items.id,
            cartons_order_id=made.cartons.id,
            first_item=1,
            quantity_per_carton=12,
            cartons=3,
            site_id=made.plant.id,
            key="packed",
            actor="line",
        )
    return made
