"""Two distributors of a brand whose goods turned up far away, found out by the real detection."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from antifraud.detect import detect
from antifraud.queries import findings
from antifraud.weigh import Flow
from core import clock
from identity.models import Brand, Distributor
from tests import factories
from tests.antifraud.sightings import DALIAN, HOMES, SUZHOU, TREE, Market
from traceability.models import Territory


@dataclass(frozen=True)
class Accused:
    """East (at home in 杭州) sold to 大连, West (成都) to 苏州; each has one finding."""

    east: Distributor
    east_finding: int
    west: Distributor
    west_finding: int


def accused(session: Session, brand: Brand) -> Accused:
    """The brand's two findings, open."""
    names = ("East Trading", "South Trading", "West Trading", "Middle Trading")
    companies = [factories.distributor(session, brand, name=name) for name in names]
    trade = Market(session, brand, factories.product(session, brand), companies)
    now = clock.now()
    for company, home in zip(companies, HOMES, strict=True):
        session.add(
            Territory(
                brand_id=brand.id,
                distributor_id=company.id,
                region_code=home,
                valid_from=now - timedelta(days=300),
            )
        )
        people = [f"{home} {number}" for number in range(60)]
        flow = Flow(company.id, trade.product.id)
        trade.scan(flow, home, people, home=True, at=now - timedelta(days=2))
    east, west = companies[0], companies[2]
    trade.divert(4, DALIAN)
    trade.divert(4, SUZHOU, Flow(west.id, trade.product.id))
    detect(session, brand.id, TREE)
    found = {one.distributor_id: one.id for one in findings(session, brand.id)}
    return Accused(east, found[east.id], west, found[west.id])
