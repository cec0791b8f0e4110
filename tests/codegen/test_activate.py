"""States change by ranges: disjoint, covering the order, all of a change or none of it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from codegen.activate import Batch, Numbers, activate, freeze, thaw, void
from codegen.errors import (
    NotActivatable,
    NumbersOutsideOrder,
    OrderNotFound,
    OtherProduct,
    ProductNotFound,
    WrongState,
)
from codegen.models import CodeOrder, CodeRange, RangeChange, RangeState
from codegen.queries import ranges
from core import clock
from core.db import make_sessions
from core.errors import BadInput
from identity.models import Brand
from tests import factories
from tests.factories import NOON

ISSUED, ACTIVE, FROZEN, VOID = RangeState
LOT_1 = Batch(lot="L1")


@dataclass(frozen=True)
class Print:
    """An order of codes, and what may be done to it."""

    session: Session
    brand: Brand
    order: CodeOrder

    def activate(self, first: int, last: int, batch: Batch = LOT_1) -> int:
        numbers = Numbers(first, last)
        return activate(self.session, self.brand.id, self.order.id, numbers, batch, "ling")

    def freeze(self, first: int, last: int, reason: str = "checking") -> int:
        numbers = Numbers(first, last)
        return freeze(self.session, self.brand.id, self.order.id, numbers, reason, "ling")

    def thaw(self, first: int, last: int) -> int:
        return thaw(self.session, self.brand.id, self.order.id, Numbers(first, last), "ling")

    def void(self, first: int, last: int, reason: str = "label torn") -> int:
        numbers = Numbers(first, last)
        return void(self.session, self.brand.id, self.order.id, numbers, reason, "ling")

    def rows(self) -> list[tuple[int, int, str, str | None, str | None]]:
        """First number, last number, state, lot and reason of each range."""
        return [
            (row.lo - self.order.lo + 1, row.hi - self.order.lo, row.state, row.lot, row.reason)
            for row in ranges(self.session, self.brand.id, self.order.id)
        ]

    def changes(self) -> int:
        query = select(func.count()).select_from(RangeChange)
        return self.session.scalar(query.where(RangeChange.order_id == self.order.id)) or 0


def _print(session: Session, quantity: int = 100) -> Print:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    order = factories.order(session, brand, quantity, product_id=product.id)
    factories.order(session, brand, 5, product_id=product.id)  # a neighbour, never to be touched
    return Print(session, brand, order)


@pytest.fixture
def printed(session: Session) -> Iterator[Print]:
    with clock.fixed(NOON):
        yield _print(session)


def test_activation_gives_product_lot_plant_and_dates_to_its_numbers_alone(
    session: Session, printed: Print
) -> None:
    product = factories.product(session, printed.brand)
    order = factories.order(session, printed.brand, 100)  # printed before anybody knew for what
    printed = Print(session, printed.brand, order)
    batch = Batch(product.id, "L9", "Hangzhou 2", date(2026, 11, 1), date(2027, 11, 1))
    assert printed.activate(11, 20, batch) == 10
    assert printed.rows() == [
        (1, 10, ISSUED, None, None),
        (11, 20, ACTIVE, "L9", None),
        (21, 100, ISSUED, None, None),
    ]
    row = ranges(session, printed.brand.id, printed.order.id)[1]
    assert (row.product_id, row.plant) == (product.id, "Hangzhou 2")
    assert (row.produced_on, row.expires_on) == (date(2026, 11, 1), date(2027, 11, 1))
    assert (row.layer, row.changed_at) == ("item", NOON)


def test_codes_printed_for_one_product_are_not_activated_as_another(
    session: Session, printed: Print
) -> None:
    """Their links carry the ordered product's GTIN, so every one would look forged."""
    other = factories.product(session, printed.brand)
    before = printed.rows()
    with pytest.raises(OtherProduct, match="printed for another product"):
        printed.activate(1, 10, Batch(other.id))
    assert (printed.rows(), printed.changes()) == (before, 0)
    assert printed.activate(1, 10, Batch(printed.order.product_id)) == 10


def test_the_same_activation_again_changes_nothing(printed: Print) -> None:
    assert printed.activate(1, 50) == 50
    before = printed.rows()
    assert printed.activate(1, 50) == 0
    assert printed.activate(20, 30) == 0
    assert (printed.rows(), printed.changes()) == (before, 1)
    assert printed.activate(41, 60) == 10  # what overlaps says the same, so the rest is new
    assert printed.rows() == [(1, 60, ACTIVE, "L1", None), (61, 100, ISSUED, None, None)]


def test_a_different_activation_that_overlaps_is_refused_with_its_numbers(
    printed: Print,
) -> None:
    printed.activate(11, 20)
    before = printed.rows()
    for batch in (Batch(lot="L2"), Batch(lot="L1", plant="P"), Batch()):
        with pytest.raises(NotActivatable, match="Numbers 11 to 15 are active already"):
            printed.activate(1, 15, batch)
    assert (printed.rows(), printed.changes()) == (before, 1)


def test_frozen_and_void_codes_are_not_activated(printed: Print) -> None:
    printed.activate(1, 20)
    printed.freeze(1, 10)
    printed.void(15, 15)
    with pytest.raises(NotActivatable, match="Numbers 1 to 10 are frozen already"):
        printed.activate(1, 100)
    with pytest.raises(NotActivatable, match="Numbers 15 to 15 are void already"):
        printed.activate(11, 100)


def test_what_is_thawed_is_as_it_was_and_merges_with_its_neighbours(printed: Print) -> None:
    printed.activate(1, 100)
    assert printed.freeze(20, 30) == 11
    assert printed.freeze(20, 30) == 0
    assert printed.rows()[1] == (20, 30, FROZEN, "L1", "checking")
    assert printed.thaw(25, 30) == 6
    assert printed.rows()[1:] == [(20, 24, FROZEN, "L1", "checking"), (25, 100, ACTIVE, "L1", None)]
    assert printed.thaw(20, 24) == 5
    assert printed.rows() == [(1, 100, ACTIVE, "L1", None)]
    assert printed.activate(1, 100) == 0


def test_void_is_for_ever_and_keeps_the_reason(printed: Print) -> None:
    printed.activate(1, 30)
    printed.freeze(10, 20)
    assert printed.void(5, 40, "  recalled: bottle may leak ") == 36
    reasons = {row[2:] for row in printed.rows() if row[2] == VOID}
    assert {reason for _, _, reason in reasons} == {"recalled: bottle may leak"}
    for act in (printed.freeze, printed.thaw, printed.activate):
        with pytest.raises((WrongState, NotActivatable), match="void"):
            act(5, 6)
    with pytest.raises(WrongState, match="Numbers 5 to 30 are void: void does not apply"):
        printed.void(5, 40, "another reason")


def test_a_change_that_fits_only_some_of_the_numbers_changes_none(printed: Print) -> None:
    printed.activate(1, 10)
    before = printed.rows()
    with pytest.raises(WrongState, match="Numbers 11 to 12 are issued: freeze does not apply"):
        printed.freeze(5, 12)
    with pytest.raises(WrongState, match="Numbers 11 to 12 are issued: thaw does not apply"):
        printed.thaw(11, 12)
    assert (printed.rows(), printed.changes()) == (before, 1)


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 101), (101, 101), (6, 5), (-1, -1)])
def test_numbers_outside_the_order_are_refused(printed: Print, first: int, last: int) -> None:
    with pytest.raises(NumbersOutsideOrder, match="It has the numbers 1 to 100"):
        printed.activate(first, last)


def test_another_brands_order_is_not_found(session: Session, printed: Print) -> None:
    stranger = replace(printed, brand=factories.brand(session))
    for act in (stranger.activate, stranger.freeze, stranger.thaw, stranger.void):
        with pytest.raises(OrderNotFound):
            act(1, 5)


def test_codes_need_a_product_of_the_brand(session: Session) -> None:
    brand, other = factories.brand(session), factories.brand(session)
    blank = Print(session, brand, factories.order(session, brand, 10))
    with pytest.raises(BadInput, match="Say which product"):
        blank.activate(1, 10, Batch())
    with pytest.raises(ProductNotFound):
        blank.activate(1, 10, Batch(factories.product(session, other).id))
    assert blank.activate(1, 10, Batch(factories.product(session, brand).id)) == 10


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        (Batch(produced_on=date(2026, 2, 2), expires_on=date(2026, 2, 1)), "expiry date is before"),
        (Batch(lot="x" * 65), "at most 64"),
        (Batch(plant="a\x00b"), "at most 64"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(
    printed: Print, batch: Batch, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        printed.activate(1, 1, batch)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "a\x00b"])
def test_who_freezes_or_voids_says_why(printed: Print, reason: str) -> None:
    printed.activate(1, 10)
    for act in (printed.freeze, printed.void):
        with pytest.raises(BadInput, match="1 to 200"):
            act(1, 10, reason)


def test_every_change_is_kept_with_who_and_why(session: Session, printed: Print) -> None:
    printed.activate(1, 10)
    with clock.fixed(NOON + timedelta(hours=1)):
        printed.void(3, 4)
    query = select(RangeChange).where(RangeChange.order_id == printed.order.id)
    rows = session.scalars(query.order_by(RangeChange.id)).all()
    lo = printed.order.lo
    assert [(r.action, r.lo - lo, r.hi - lo, r.actor, r.reason, r.at) for r in rows] == [
        ("activate", 0, 10, "ling", None, NOON),
        ("void", 2, 4, "ling", "label torn", NOON + timedelta(hours=1)),
    ]


QUANTITY = 12
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["activate", "activate", "freeze", "thaw", "void"]),
        st.integers(1, QUANTITY),
        st.integers(1, QUANTITY),
        st.sampled_from(["x", "y"]),
    ).map(lambda step: (step[0], min(step[1:3]), max(step[1:3]), step[3])),
    max_size=12,
)
Code = tuple[str, str | None, str | None]  # state, lot, reason


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_any_steps_leave_what_a_model_of_single_codes_says(
    session: Session, steps: Sequence[tuple[str, int, int, str]]
) -> None:
    printed = _print(session, QUANTITY)
    codes: dict[int, Code] = dict.fromkeys(range(1, QUANTITY + 1), (ISSUED, None, None))
    for action, first, last, word in steps:
        wanted = {n: _after(action, codes[n], word) for n in range(first, last + 1)}
        if None in wanted.values():
            with pytest.raises((NotActivatable, WrongState)):
                _do(printed, action, first, last, word)
        else:
            changed = sum(codes[n] != after for n, after in wanted.items())
            assert _do(printed, action, first, last, word) == changed
            codes |= {n: after for n, after in wanted.items() if after is not None}
        assert _unfold(printed) == codes


def _after(action: str, code: Code, word: str) -> Code | None:
    """The code after the action, or None when that is refused."""
    state, lot, reason = code
    if action == "activate":
        wanted = (ACTIVE, word, reason)
        return wanted if state == ISSUED or code == wanted else None
    sources, target, why = {
        "freeze": ({ACTIVE}, FROZEN, word),
        "thaw": ({FROZEN}, ACTIVE, None),
        "void": ({ISSUED, ACTIVE, FROZEN}, VOID, word),
    }[action]
    moved = (target, lot, why)
    return moved if state in sources or code == moved else None


def _do(printed: Print, action: str, first: int, last: int, word: str) -> int:
    if action == "activate":
        return printed.activate(first, last, Batch(lot=word))
    if action == "thaw":
        return printed.thaw(first, last)
    return (printed.freeze if action == "freeze" else printed.void)(first, last, word)


def _unfold(printed: Print) -> dict[int, Code]:
    """Each code as the ranges say; they cover the order, in order, and equal ones are merged."""
    codes: dict[int, Code] = {}
    before: Code | None = None
    for first, last, state, lot, reason in printed.rows():
        assert first == len(codes) + 1
        assert (state, lot, reason) != before
        before = (state, lot, reason)
        codes |= dict.fromkeys(range(first, last + 1), before)
    return codes


def test_many_ranges_are_voided_in_one_go(session: Session) -> None:
    printed = _print(session, 4000)
    for first in range(1, 4000, 200):
        printed.activate(first, first + 99)
    assert len(printed.rows()) == 40
    assert printed.void(1, 4000) == 4000
    assert [row[:3] for row in printed.rows()][:2] == [(1, 100, VOID), (101, 200, VOID)]


def test_activations_at_once_of_one_order_all_count(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        printed = _print(session)

    def work(first: int) -> int:
        with make_sessions(engine).begin() as session:
            own = replace(printed, session=session)
            return sum(own.activate(n, n + 4) for n in range(first, 101, 20))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, (1, 6, 11, 16))) == 100
    with make_sessions(engine)() as session:
        assert replace(printed, session=session).rows() == [(1, 100, ACTIVE, "L1", None)]


def test_two_who_activate_the_same_numbers_differently_do_not_both_win(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        printed = _print(session)

    def work(lot: str) -> int | None:
        with make_sessions(engine)() as session:
            try:
                activated = replace(printed, session=session).activate(1, 100, Batch(lot=lot))
            except NotActivatable:
                return None
            session.commit()
            return activated

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, "ABCD"), key=str) == [100, None, None, None]
    with make_sessions(engine)() as session:
        assert session.scalar(select(func.count()).select_from(CodeRange)) == 2
