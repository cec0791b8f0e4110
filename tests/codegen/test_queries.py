"""Products, orders, ranges and cards of codes as each brand may see them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from codegen.activate import Batch, Numbers, activate, freeze
from codegen.errors import OrderNotFound
from codegen.queries import (
    PAGE,
    changes,
    code_card,
    order,
    order_called,
    orders,
    products,
    ranges,
    state_counts,
)
from core import clock
from tests import factories
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOON):
        yield


def test_products_are_listed_by_name(session: Session) -> None:
    brand = factories.brand(session)
    for name in ("C", "A", "B"):
        factories.product(session, brand, name_zh=name)
    factories.product(session, factories.brand(session))
    assert [product.name_zh for product in products(session, brand.id)] == ["A", "B", "C"]


def test_orders_come_in_pages_newest_first(session: Session) -> None:
    brand = factories.brand(session)
    placed = [factories.order(session, brand, 1) for _ in range(PAGE + 3)]
    factories.order(session, factories.brand(session), 1)
    first = orders(session, brand.id)
    second = orders(session, brand.id, before_id=first[-1].id)
    assert [*first, *second] == placed[::-1]
    assert len(first) == PAGE


def test_an_order_is_found_by_id_or_name_by_its_own_brand(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    placed = factories.order(session, brand)
    assert order(session, brand.id, placed.id) is placed
    assert order_called(session, brand.id, f" {placed.external_id} ") is placed
    for brand_id, order_id, name in (
        (other.id, placed.id, placed.external_id),
        (brand.id, placed.id + 1, placed.external_id + "x"),
    ):
        with pytest.raises(OrderNotFound):
            order(session, brand_id, order_id)
        with pytest.raises(OrderNotFound):
            order_called(session, brand_id, name)


def test_states_are_counted_an_order(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    one = factories.active_order(session, brand, product, 100)
    freeze(session, brand.id, one.id, Numbers(11, 30), "checking", "ling")
    two = factories.order(session, brand, 7)
    assert state_counts(session, brand.id, [one.id, two.id]) == {
        one.id: {"active": 80, "frozen": 20},
        two.id: {"issued": 7},
    }
    assert state_counts(session, brand.id, []) == {}


def test_ranges_come_in_number_order_and_changes_newest_first(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    placed = factories.active_order(session, brand, factories.product(session, brand), 100)
    freeze(session, brand.id, placed.id, Numbers(11, 30), "checking", "ling")
    found = ranges(session, brand.id, placed.id)
    assert [(r.lo - placed.lo, r.hi - placed.lo, r.state) for r in found] == [
        (0, 10, "active"),
        (10, 30, "frozen"),
        (30, 100, "active"),
    ]
    assert ranges(session, brand.id, placed.id, limit=2) == found[:2]
    assert [change.action for change in changes(session, brand.id, placed.id)] == [
        "freeze",
        "activate",
    ]
    assert len(changes(session, brand.id, placed.id, limit=1)) == 1
    assert ranges(session, other.id, placed.id) == changes(session, other.id, placed.id) == []


def test_a_card_says_what_is_known_of_a_code(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    factories.order(session, brand, 3)
    placed = factories.order(session, brand, 100)
    batch = Batch(product.id, "L1")
    activate(session, brand.id, placed.id, Numbers(1, 50), batch, "ling")
    with clock.fixed(NOON + timedelta(hours=1)):
        freeze(session, brand.id, placed.id, Numbers(7, 7), "checking", "mei")
    card = code_card(session, brand.id, placed.lo + 6)
    assert card is not None
    assert (card.code_id, card.number, card.order) == (placed.lo + 6, 7, placed)
    assert (card.range.state, card.range.lot, card.product) == ("frozen", "L1", product)
    assert [(change.action, change.actor) for change in card.changes] == [
        ("activate", "ling"),
        ("freeze", "mei"),
    ]
    last = code_card(session, brand.id, placed.hi - 1)
    assert last is not None
    assert (last.number, last.range.state, last.product, last.changes) == (100, "issued", None, [])


def test_codes_that_the_brand_did_not_issue_have_no_card(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    placed = factories.order(session, brand, 10)
    for brand_id, code_id in (
        (brand.id, placed.hi),
        (brand.id, placed.lo - 1),
        (other.id, placed.lo),
        (brand.id, 1 << 60),
    ):
        assert code_card(session, brand_id, code_id) is None
