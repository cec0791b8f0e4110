"""A brand with active codes on its shelf, and the people who claim them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.orm import Session

from codegen.models import CodeOrder, Product
from core.db import make_sessions
from core.outbox import OutboxRow
from identity.models import Brand
from members.models import Member, VisitorBinding
from rewards.answer import ClaimAnswer, ClaimRequest
from rewards.bind import Bound, bind, lock_visitor
from rewards.claim import claim
from rewards.credit import handle_credit
from rewards.models import Campaign
from tests import factories
from tests.factories import NOON
from traceability.verdict import ALLOW, Decision, Reason, Verdict

T = TypeVar("T")
HOLD = Verdict(Decision.HOLD, (Reason("pace", {"scans": 40}),))
REFUSE = Verdict(Decision.REFUSE, (Reason("forger", {"attempts": 300}),))


@dataclass(frozen=True)
class Shelf:
    brand: Brand
    product: Product
    order: CodeOrder

    def ask(self, number: int, visitor: UUID, verdict: Verdict = ALLOW) -> ClaimRequest:
        """The visitor's claim of the item with that number, from 0."""
        return ClaimRequest(
            self.order.lo + number, self.brand.id, self.product.id, None, visitor, verdict
        )

    def claim(
        self,
        session: Session,
        campaign: Campaign,
        visitor: UUID,
        numbers: Sequence[int],
        verdict: Verdict = ALLOW,
    ) -> list[ClaimAnswer]:
        """The visitor claims the items in one batch, locked first as intake does it."""
        lock_items(session, self.brand.id, [self.order.lo + number for number in numbers], visitor)
        asked = [self.ask(number, visitor, verdict) for number in numbers]
        return claim(session, asked, [campaign])

    def member(self, session: Session, *visitors: UUID) -> Member:
        """A new member; the visitors are signed in as it, without binding earlier claims."""
        member = Member(brand_id=self.brand.id, created_at=NOON)
        session.add(member)
        session.flush()
        for visitor in visitors:
            self.sign_in_only(session, visitor, member.id)
        return member

    def sign_in(self, session: Session, visitor: UUID, member_id: int) -> Bound:
        """The visitor signs in as the member, and its waiting claims are bound."""
        lock_visitor(session, visitor)
        self.sign_in_only(session, visitor, member_id)
        return bind(session, self.brand.id, visitor, member_id)

    def sign_in_only(self, session: Session, visitor: UUID, member_id: int) -> None:
        session.execute(
            insert(VisitorBinding).values(
                visitor_id=visitor, brand_id=self.brand.id, member_id=member_id, bound_at=NOON
            )
        )


def stock(session: Session, quantity: int = 40, **brand_facts: Any) -> Shelf:
    """A shelf of active codes of a new brand."""
    brand = factories.brand(session, **brand_facts)
    product = factories.product(session, brand)
    return Shelf(brand, product, factories.active_order(session, brand, product, quantity))


def lock_items(session: Session, brand_id: int, codes: Sequence[int], visitor: UUID) -> None:
    session.execute(
        text(
            """
            INSERT INTO item (brand_id, code_id, first_at, first_visitor, scans, last_at,
                              last_visitor)
            SELECT :brand, code, :at, :visitor, 1, :at, :visitor
            FROM unnest(CAST(:codes AS bigint[])) AS t(code)
            ON CONFLICT (brand_id, code_id) DO UPDATE SET scans = item.scans + 1
            """
        ),
        {"brand": brand_id, "at": NOON, "visitor": visitor, "codes": sorted(codes)},
    )


def owed_credit(session: Session, brand: Brand) -> list[OutboxRow]:
    query = select(OutboxRow).where(OutboxRow.topic == "credit", OutboxRow.brand_id == brand.id)
    return list(session.scalars(query.order_by(OutboxRow.id)))


def credit_all(session: Session, brand: Brand) -> None:
    """Does what the worker will do; again and again if it is called again."""
    handle_credit(session, owed_credit(session, brand))


def count(session: Session, model: Any, *where: Any) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def all_at_once(engine: Engine, works: Sequence[Callable[[Session], T]]) -> list[T]:
    """What each work returns, each in a thread with a session of its own, committed at last."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[Session], T]) -> T:
        with make_sessions(engine)() as session:
            session.connection()
            start.wait(10)
            result = work(session)
            session.commit()
            return result

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def people(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]
