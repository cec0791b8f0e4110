"""An order is placed once, with numbers that no other order has."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from codegen.errors import InvalidHost, OrderConflict, OrderTooLarge, ProductNotFound
from codegen.models import CodeOrder, CodeRange, Layer, RangeState, SigningKey
from codegen.order import MAX_QUANTITY, OrderRequest, place
from core import clock
from core.db import make_sessions
from core.errors import BadInput
from tests import factories
from tests.factories import KEK, NOON

REQUEST = OrderRequest("PO-1", 100, "YIMA.EXAMPLE")


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOON):
        yield


def test_an_order_has_its_content_and_one_range_of_codes_not_active_yet(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    order = place(session, brand.id, replace(REQUEST, product_id=product.id, lot="L7"), KEK)
    session.expire(order)
    assert (order.external_id, order.quantity, order.layer) == ("PO-1", 100, Layer.ITEM)
    assert (order.scheme, order.host, order.letter_case) == ("https", "YIMA.EXAMPLE", "upper")
    assert (order.lo, order.hi, order.created_at) == (order.key_id << 32, order.lo + 100, NOON)
    (codes,) = session.scalars(select(CodeRange).where(CodeRange.order_id == order.id))
    assert (codes.lo, codes.hi, codes.state) == (order.lo, order.hi, RangeState.ISSUED)
    assert (codes.product_id, codes.lot, codes.brand_id) == (product.id, "L7", brand.id)


def test_cartons_are_active_from_the_start(session: Session) -> None:
    order = factories.cartons(session, factories.brand(session))
    (codes,) = session.scalars(select(CodeRange).where(CodeRange.order_id == order.id))
    assert (codes.layer, codes.state) == (Layer.CARTON, RangeState.ACTIVE)


def test_a_billion_codes_are_one_order_row_and_one_range_row(session: Session) -> None:
    brand = factories.brand(session)
    place(session, brand.id, replace(REQUEST, quantity=MAX_QUANTITY), KEK)
    for model in (CodeOrder, CodeRange):
        query = select(func.count()).select_from(model).where(model.brand_id == brand.id)
        assert session.scalar(query) == 1


def test_the_same_order_again_is_the_same_order(session: Session) -> None:
    brand = factories.brand(session)
    order = place(session, brand.id, REQUEST, KEK)
    with clock.fixed(NOON + timedelta(days=400)):
        assert place(session, brand.id, REQUEST, KEK) is order
    key = session.get_one(SigningKey, (order.brand_id, order.key_id))
    assert (key.next_number, key.retired_at) == (100, None)


def test_other_content_under_the_same_name_is_a_conflict_that_changes_nothing(
    session: Session,
) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    order = place(session, brand.id, REQUEST, KEK)
    for changed in (
        replace(REQUEST, quantity=101),
        replace(REQUEST, host="OTHER.EXAMPLE"),
        replace(REQUEST, layer=Layer.CARTON),
        replace(REQUEST, product_id=product.id),
        replace(REQUEST, lot="L1"),
        replace(REQUEST, scheme="http"),
        replace(REQUEST, letter_case="lower"),
    ):
        with pytest.raises(OrderConflict, match="“PO-1” was ordered before"):
            place(session, brand.id, changed, KEK)
    assert session.get_one(SigningKey, (order.brand_id, order.key_id)).next_number == 100


def test_two_brands_may_use_the_same_name(session: Session) -> None:
    orders = [place(session, factories.brand(session).id, REQUEST, KEK) for _ in range(2)]
    assert orders[0].key_id != orders[1].key_id


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (replace(REQUEST, external_id=""), BadInput),
        (replace(REQUEST, external_id=" PO-1"), BadInput),
        (replace(REQUEST, external_id="P\x00"), BadInput),
        (replace(REQUEST, external_id="x" * 65), BadInput),
        (replace(REQUEST, quantity=0), OrderTooLarge),
        (replace(REQUEST, quantity=MAX_QUANTITY + 1), OrderTooLarge),
        (replace(REQUEST, scheme="ftp"), BadInput),
        (replace(REQUEST, letter_case="Title"), BadInput),
        (replace(REQUEST, lot="x" * 65), BadInput),
        (replace(REQUEST, lot="a\nb"), BadInput),
        (replace(REQUEST, host="no host"), InvalidHost),
        (replace(REQUEST, product_id=0), ProductNotFound),
    ],
)
def test_an_order_that_cannot_be_printed_is_refused(
    session: Session, request_: OrderRequest, error: type[Exception]
) -> None:
    brand = factories.brand(session)
    with pytest.raises(error):
        place(session, brand.id, request_, KEK)
    query = select(func.count()).select_from(SigningKey).where(SigningKey.brand_id == brand.id)
    assert session.scalar(query) == 0


def test_an_order_is_for_the_brands_own_product(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    theirs = factories.product(session, other)
    with pytest.raises(ProductNotFound):
        place(session, brand.id, replace(REQUEST, product_id=theirs.id), KEK)


def test_numbers_follow_each_other_until_a_new_year_brings_a_new_key(session: Session) -> None:
    brand = factories.brand(session)
    first = factories.order(session, brand, 10)
    second = factories.order(session, brand, 7)
    with clock.fixed(NOON + timedelta(days=365)):
        third = factories.order(session, brand, 5)
    assert second.lo == first.hi
    assert third.key_id != first.key_id
    assert third.lo == third.key_id << 32


def _at_once(engine: Engine, works: Sequence[Callable[[Session], list[CodeOrder]]]):
    start = threading.Barrier(len(works))

    def run(work):
        with make_sessions(engine)() as session:
            session.connection()
            start.wait(10)
            return work(session)

    with ThreadPoolExecutor(len(works)) as pool:
        return [order for orders in pool.map(run, works) for order in orders]


def test_orders_at_once_get_contiguous_numbers_that_never_overlap(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        brand = factories.brand(session)

    def work(thread: int):
        def run(session: Session) -> list[CodeOrder]:
            placed = []
            for number in range(5):
                name = f"PO-{thread}-{number}"
                request = replace(REQUEST, external_id=name, quantity=1 + thread + number)
                placed.append(place(session, brand.id, request, KEK))
                session.commit()
            return placed

        return run

    orders = sorted(_at_once(engine, [work(t) for t in range(6)]), key=lambda order: order.lo)
    assert len({order.key_id for order in orders}) == 1
    assert orders[0].lo == orders[0].key_id << 32
    assert all(before.hi == after.lo for before, after in itertools.pairwise(orders))
    with Session(engine) as session:
        ranges = session.execute(select(CodeRange.lo, CodeRange.hi).order_by(CodeRange.lo)).all()
        assert ranges == [(order.lo, order.hi) for order in orders]
        issued = session.scalars(select(SigningKey.next_number)).one()
        assert issued == sum(order.quantity for order in orders)


def test_one_name_ordered_by_many_at_once_is_one_order(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        brand = factories.brand(session)

    def work(quantity: int):
        def run(session: Session) -> list[CodeOrder]:
            try:
                placed = place(session, brand.id, replace(REQUEST, quantity=quantity), KEK)
            except OrderConflict:
                return []
            session.commit()
            return [placed]

        return run

    orders = _at_once(engine, [work(quantity) for quantity in (100, 100, 100, 7, 7, 7)])
    assert len(orders) == 3
    assert len({(order.id, order.lo, order.quantity) for order in orders}) == 1
    with Session(engine) as session:
        assert session.scalars(select(CodeOrder.quantity)).one() == orders[0].quantity
