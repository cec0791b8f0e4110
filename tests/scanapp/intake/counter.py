"""A shop's counter: visits handed in as the doors do it, without HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from codegen.models import CodeOrder
from core.db import make_sessions
from identity.models import Brand
from rewards.models import Campaign
from scanapp.intake.answer import Answer
from scanapp.intake.batch import work_off
from scanapp.intake.catalogue import Catalogue
from tests import factories
from tests.factories import NOON
from traceability.visit import Kind, Place, Visit

HANGZHOU, CHENGDU, ZHEJIANG, SICHUAN = "330100", "510100", "330000", "510000"


@dataclass(frozen=True)
class Counter:
    brand: Brand
    order: CodeOrder
    campaign: Campaign
    catalogue: Catalogue
    sessions: sessionmaker[Session]

    def visit(
        self,
        kind: Kind,
        number: int,
        visitor: UUID,
        place: str | None = None,
        source: str = "browser",
        at: datetime = NOON,
    ) -> Visit:
        """A visit to the order's code of that number, from 0."""
        return Visit(
            kind=kind,
            code_id=self.order.lo + number,
            brand_id=self.brand.id,
            visitor_id=visitor,
            at=at,
            source=b"anybody",
            place=Place(place, source) if place is not None else None,
        )

    def work(self, session: Session, *visits: Visit) -> list[Answer]:
        """The answers, not committed."""
        return work_off(session, visits, self.catalogue, uuid4()).answers

    def commit(self, *visits: Visit) -> list[Answer]:
        """The answers of one batch."""
        with self.sessions.begin() as session:
            return self.work(session, *visits)

    def rows(self, query: str, **values: Any) -> Sequence[Any]:
        with self.sessions() as session:
            return [tuple(row) for row in session.execute(text(query), values)]


def open_counter(engine: Engine, quantity: int = 100, **campaign: Any) -> Counter:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        brand = factories.brand(session)
        product = factories.product(session, brand)
        order = factories.active_order(session, brand, product, quantity)
        running = factories.campaign(session, brand, **campaign)
    catalogue = Catalogue(sessions)
    catalogue.refresh()
    return Counter(brand, order, running, catalogue, sessions)
