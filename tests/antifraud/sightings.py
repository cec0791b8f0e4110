"""A brand with four distributors and their sightings, put straight into the database."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import insert
from sqlalchemy.orm import Session

from antifraud.weigh import Flow
from codegen.models import Product
from core.regions.tree import RegionTree
from identity.models import Brand, Distributor
from tests import factories
from tests.factories import NOON
from traceability.models import Sighting, Territory

HANGZHOU, SUZHOU, DALIAN = "330100", "320500", "210200"
HOMES = (HANGZHOU, "440100", "510100", "420100")
TREE = RegionTree.shipped()
_PEOPLE = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
_codes = itertools.count(1 << 40)


@dataclass(frozen=True)
class Market:
    """A brand whose distributors each sold sixty items at home, where they were scanned."""

    session: Session
    brand: Brand
    product: Product
    distributors: list[Distributor]

    @property
    def flow(self) -> Flow:
        """The goods of the distributor in 杭州."""
        return Flow(self.distributors[0].id, self.product.id)

    def scan(
        self,
        flow: Flow,
        region: str,
        people: list[str],
        *,
        carton: int | None = None,
        home: bool | None = False,
        event: int | None = None,
        at: datetime = NOON,
    ) -> list[int]:
        """The code ids of first scans there, one by each of `people`, a minute apart."""
        codes = [next(_codes) for _ in people]
        rows = [
            {
                "code_id": code_id,
                "brand_id": self.brand.id,
                "at": at + timedelta(minutes=minute),
                "visitor_id": uuid5(_PEOPLE, person),
                "region_code": region,
                "region_source": "browser",
                "product_id": flow.product_id,
                "carton_id": carton,
                "event_id": event,
                "distributor_id": flow.distributor_id,
                "in_territory": home,
                "resolved_at": at,
            }
            for minute, (code_id, person) in enumerate(zip(codes, people, strict=True))
        ]
        self.session.execute(insert(Sighting), rows)
        return codes

    def divert(self, cartons: int, region: str = DALIAN, flow: Flow | None = None) -> list[int]:
        """Cartons of which six persons each scan one item there."""
        codes = []
        for carton in range(cartons):
            people = [f"{region} {carton} {number}" for number in range(6)]
            codes += self.scan(flow or self.flow, region, people, carton=next(_codes))
        return codes


def market(session: Session) -> Market:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    made = Market(session, brand, product, [factories.distributor(session, brand) for _ in HOMES])
    for distributor, home in zip(made.distributors, HOMES, strict=True):
        session.add(
            Territory(
                brand_id=brand.id,
                distributor_id=distributor.id,
                region_code=home,
                valid_from=NOON - timedelta(days=300),
            )
        )
        people = [f"{home} {number}" for number in range(60)]
        made.scan(
            Flow(distributor.id, product.id), home, people, home=True, at=NOON - timedelta(days=2)
        )
    session.flush()
    return made
