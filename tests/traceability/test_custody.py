"""Custody and history against a naive model that remembers every code by itself."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.ranges import runs
from identity.models import Site
from tests.traceability.world import World, day
from traceability.errors import NotHeld
from traceability.models import Custody
from traceability.queries import where_is, who_should_sell
from traceability.receive import receive
from traceability.ship import ship

CARTONS, ITEMS_PACKED, ITEMS = 4, 8, 10  # two items in each carton, the last two loose
HOURS = 5  # few, so that events often fall on the same instant


CODES = [(0, number) for number in range(1, CARTONS + 1)]
CODES += [(1, number) for number in range(1, ITEMS + 1)]


@dataclass(frozen=True)
class Step:
    """A shipment, or a receipt at `target`, of cartons and items by number, at an hour of day 2."""

    is_receipt: bool
    source: int
    target: int
    cartons: frozenset[int]
    items: frozenset[int]
    hour: int


STEPS = st.lists(
    st.builds(
        Step,
        is_receipt=st.booleans(),
        source=st.integers(0, 3),
        target=st.integers(0, 3),
        cartons=st.frozensets(st.integers(1, CARTONS), max_size=3),
        items=st.frozensets(st.integers(1, ITEMS), max_size=5),
        hour=st.integers(0, HOURS),
    ).filter(lambda step: bool(step.cartons or step.items) and step.source != step.target),
    max_size=12,
)


@dataclass(frozen=True)
class Fact:
    hour: int
    order: int
    site: int
    is_move: bool = True


@dataclass
class Model:
    """All facts of each code, cartons as `(0, number)` and items as `(1, number)`."""

    facts: dict[tuple[int, int], list[Fact]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(1, CARTONS + 1):
            self.facts[0, number] = [Fact(-1, 0, 0, is_move=False)]

    def own(self, code: tuple[int, int]) -> Fact | None:
        facts = self.facts.get(code, [])
        return max(facts, key=lambda fact: (fact.hour, fact.order), default=None)

    def of_code_and_carton(self, code: tuple[int, int]) -> list[Fact]:
        facts = list(self.facts.get(code, []))
        if code[0] == 1 and code[1] <= ITEMS_PACKED:
            facts += self.facts[0, (code[1] + 1) // 2]
        return facts

    def holder(self, code: tuple[int, int]) -> Fact | None:
        facts = self.of_code_and_carton(code)
        return max(facts, key=lambda fact: (fact.hour, fact.order), default=None)

    def moved_until(self, code: tuple[int, int], hour: int) -> Fact | None:
        facts = [f for f in self.of_code_and_carton(code) if f.is_move and f.hour <= hour]
        return max(facts, key=lambda fact: (fact.hour, fact.order), default=None)

    def allows(self, step: Step) -> bool:
        if step.is_receipt:
            return True
        holders = [self.holder(code) for code in _codes(step)]
        return all(
            fact is None or fact.hour > step.hour or fact.site == step.source for fact in holders
        )

    def apply(self, step: Step, order: int) -> None:
        for code in _codes(step):
            self.facts.setdefault(code, []).append(Fact(step.hour, order, step.target))


def _codes(step: Step) -> list[tuple[int, int]]:
    return [(0, number) for number in step.cartons] + [(1, number) for number in step.items]


def _code_id(trade: World, code: tuple[int, int]) -> int:
    return (trade.carton if code[0] == 0 else trade.item)(code[1])[0]


def _do(trade: World, sites: list[Site], step: Step, key: str) -> bool:
    codes = runs(_code_id(trade, code) for code in _codes(step))
    common = {
        "brand_id": trade.brand.id,
        "key": key,
        "document": None,
        "codes": codes,
        "actor": "test",
        "at": day(2) + timedelta(hours=step.hour),
    }
    target = sites[step.target].id
    if step.is_receipt:
        receive(trade.session, site_id=target, **common)
        return True
    try:
        source = sites[step.source].id
        ship(trade.session, from_site_id=source, to_site_id=target, **common)
    except NotHeld:
        return False
    return True


def _check(trade: World, sites: list[Site], model: Model) -> None:
    rows = trade.session.execute(
        select(Custody.lo, Custody.hi, Custody.site_id, Custody.since)
        .where(Custody.brand_id == trade.brand.id)
        .order_by(Custody.lo)
    ).all()
    assert all(first.hi <= second.lo for first, second in pairwise(rows))
    found = {code: (row.site_id, row.since) for row in rows for code in range(row.lo, row.hi)}
    expected = {}
    for code in model.facts:
        fact = model.own(code)
        assert fact is not None
        since = day(2) + timedelta(hours=fact.hour) if fact.is_move else day(1)
        expected[_code_id(trade, code)] = (sites[fact.site].id, since)
    assert found == expected


def _check_questions(
    trade: World, sites: list[Site], model: Model, code: tuple[int, int], hour: int
) -> None:
    code_id = _code_id(trade, code)
    now, holder = where_is(trade.session, trade.brand.id, code_id), model.holder(code)
    assert (now and now.site_id) == (holder and sites[holder.site].id)
    at = day(2) + timedelta(hours=hour, minutes=30)
    then = who_should_sell(trade.session, trade.brand.id, code_id, at)
    moved = model.moved_until(code, hour)
    assert (then and then.site_id) == (moved and sites[moved.site].id)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=STEPS,
    hour=st.integers(0, HOURS),
)
def test_agrees_with_remembering_every_code_by_itself(trade: World, steps: list[Step], hour: int):
    sites = [trade.plant, trade.warehouse, trade.east_site, trade.south_site]
    attempt = trade.session.begin_nested()
    trade.pack(cartons=CARTONS, quantity_per_carton=2)
    model = Model()
    for order, step in enumerate(steps, start=1):
        allowed = model.allows(step)
        assert _do(trade, sites, step, f"step {order}") == allowed
        if allowed:
            model.apply(step, order)
    _check(trade, sites, model)
    for code in CODES:
        _check_questions(trade, sites, model, code, hour)
    attempt.rollback()


def test_moving_all_of_many_fragments_leaves_one_row(trade: World):
    trade.pack()
    for number in (2, 5, 8):
        trade.ship(str(number), [trade.carton(number)], trade.plant, trade.warehouse, 2)
    trade.receive("all", [trade.carton(1, 10)], trade.warehouse, 3)
    rows = trade.session.execute(
        select(Custody.lo, Custody.hi).where(Custody.brand_id == trade.brand.id)
    ).all()
    assert [tuple(row) for row in rows] == [trade.carton(1, 10)]
