"""Granted claims become points exactly once."""

from uuid import uuid4

from sqlalchemy.orm import Session

from members.models import Member
from rewards.bind import bind, lock_visitor
from rewards.claim import GRANTED, TAKEN, ClaimRequest, claim
from rewards.credit import credit
from rewards.ledger import audit, balance
from tests import factories
from traceability.verdict import ALLOW


def test_a_claim_waits_for_sign_in_and_is_credited_once(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    order = factories.active_order(session, brand, product, 10)
    campaign = factories.campaign(session, brand, daily_limit=2)
    visitor, other = uuid4(), uuid4()

    def ask(code_id: int, who=visitor):
        return ClaimRequest(code_id, brand.id, product.id, None, who, ALLOW)

    answers = claim(
        session, [ask(order.lo), ask(order.lo + 1), ask(order.lo + 2), ask(order.lo, other)], [campaign]
    )
    assert [a.state for a in answers] == [GRANTED, GRANTED, "refused", TAKEN]
    assert answers[2].reason == "daily_limit"
    member = Member(brand_id=brand.id, created_at=factories.NOON)
    session.add(member)
    session.flush()
    lock_visitor(session, visitor)
    bound = bind(session, brand.id, visitor, member.id)
    assert (bound.claims, bound.points, bound.over_limit) == (2, 10, 0)
    codes = {order.lo, order.lo + 1}
    assert credit(session, brand.id, codes) == 2
    assert credit(session, brand.id, codes) == 0
    assert balance(session, brand.id, member.id) == 10
    books = audit(session, brand.id)
    assert books.balanced and books.points_granted == 10
