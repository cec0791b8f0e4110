import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from antifraud.answer import answer, decide
from antifraud.detect import detect, handle_detect
from antifraud.models import Finding, FindingStep, Status
from antifraud.queries import accused_items, findings, steps
from antifraud.weigh import Flow
from core import clock, outbox
from tests import factories
from tests.antifraud.sightings import DALIAN, HANGZHOU, SUZHOU, TREE, Market, market
from tests.factories import NOON
from tests.owing import owe
from traceability.models import Carton, Sighting, TraceEvent


def actions(steps: list[FindingStep]) -> list[str]:
    return [step.action for step in steps]


def look(trade: Market) -> list[str]:
    return actions(detect(trade.session, trade.brand.id, TREE))


def only(trade: Market) -> Finding:
    (finding,) = findings(trade.session, trade.brand.id)
    return finding


def set_home(trade: Market, codes: list[int], home: bool) -> None:
    trade.session.execute(
        update(Sighting).where(Sighting.code_id.in_(codes)).values(in_territory=home)
    )


def test_goods_sold_at_home_are_no_finding(trade: Market) -> None:
    assert look(trade) == []
    assert findings(trade.session, trade.brand.id) == []


def test_diverted_cartons_open_one_finding_with_its_numbers(trade: Market) -> None:
    codes = trade.divert(4)
    assert look(trade) == ["opened"]
    finding = only(trade)
    assert (finding.distributor_id, finding.product_id) == trade.flow
    assert (finding.region_code, finding.status) == (DALIAN, Status.OPEN)
    assert (finding.placed_scans, finding.off_scans, finding.coherent_cartons) == (84, 24, 4)
    assert 0 < finding.expected_scans < 2
    assert finding.log10_e_value > 6
    assert sorted(finding.evidence["diverted_items"]) == sorted(codes)
    assert accused_items(trade.session, trade.brand.id) == frozenset(codes)


def test_the_evidence_names_cartons_papers_days_regions_and_nobody(trade: Market) -> None:
    session, brand = trade.session, trade.brand
    site = factories.site(session, brand)
    event = TraceEvent(
        brand_id=brand.id, key="s1", fingerprint="f", biz_step="shipping",
        event_time=NOON - timedelta(days=9), recorded_at=NOON, site_id=site.id,
        document="SO-7", actor="test",
    )  # fmt: skip
    session.add(event)
    session.flush()
    carton = Carton(
        carton_id=5 << 40, brand_id=brand.id, sscc="069012345600000012", quantity=24,
        event_id=event.id, packed_at=NOON,
    )  # fmt: skip
    session.add(carton)
    people = [f"guest {number}" for number in range(6)]
    trade.divert(3)
    trade.scan(trade.flow, DALIAN, people[:5], carton=carton.carton_id, event=event.id)
    trade.scan(trade.flow, HANGZHOU, people[5:], carton=carton.carton_id, home=True)
    look(trade)
    evidence = only(trade).evidence
    assert len(evidence["cartons"]) == 4
    (shown,) = [c for c in evidence["cartons"] if c["carton_id"] == carton.carton_id]
    assert (shown["sscc"], shown["quantity"], shown["document"]) == (carton.sscc, 24, "SO-7")
    assert (shown["items_scanned"], shown["items_here"], shown["persons_here"]) == (6, 5, 5)
    assert shown["shipped_at"] == event.event_time.isoformat()
    assert shown["first_seen"] == NOON.isoformat()
    days = {day["day"]: (day["here"], day["placed"]) for day in evidence["timeline"]}
    assert days == {"2026-11-18": (0, 60), "2026-11-20": (23, 24)}
    assert evidence["regions"] == [
        {"code": HANGZHOU, "items": 61, "items_off": 0},
        {"code": DALIAN, "items": 23, "items_off": 23},
    ]
    assert evidence["sources"] == {"browser": 23}
    assert len(evidence["samples"]) == 10
    written = json.dumps(evidence)
    for visitor in session.scalars(select(Sighting.visitor_id)):
        assert str(visitor) not in written


@pytest.mark.parametrize(
    ("time_zone", "day"), [("Asia/Shanghai", "2026-11-21"), ("America/New_York", "2026-11-20")]
)
def test_days_of_a_finding_are_the_brands(
    trade: Market, session: Session, time_zone: str, day: str
) -> None:
    trade.brand.time_zone = time_zone
    trade.divert(4)
    half_past_midnight = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    session.execute(update(Sighting).values(at=half_past_midnight))
    look(trade)
    assert [shown["day"] for shown in only(trade).evidence["timeline"]] == [day]


def test_a_second_look_at_the_same_facts_says_nothing_new(trade: Market) -> None:
    trade.divert(4)
    look(trade)
    before = only(trade).evidence
    assert look(trade) == []
    assert only(trade).evidence == before


def test_a_step_is_written_only_when_the_numbers_changed_much(trade: Market) -> None:
    trade.divert(4)
    look(trade)
    trade.scan(trade.flow, DALIAN, ["one more"])
    assert look(trade) == []
    assert only(trade).off_scans == 25
    trade.scan(trade.flow, DALIAN, [f"late {number}" for number in range(12)])
    assert look(trade) == ["updated"]
    assert look(trade) == []


def test_a_lone_tourist_is_neither_found_nor_accused_beside_a_finding(trade: Market) -> None:
    bottles = trade.scan(trade.flow, SUZHOU, ["tourist"] * 6, carton=7 << 40)
    assert look(trade) == []
    trade.divert(4, SUZHOU)
    assert look(trade) == ["opened"]
    assert only(trade).coherent_cartons == 4
    assert not accused_items(trade.session, trade.brand.id) & set(bottles)


def test_a_late_shipment_that_explains_the_goods_withdraws_the_finding(trade: Market) -> None:
    codes = trade.divert(4)
    look(trade)
    set_home(trade, codes, True)
    assert look(trade) == ["withdrawn"]
    finding = only(trade)
    assert (finding.status, finding.off_scans) == (Status.WITHDRAWN, 0)
    assert accused_items(trade.session, trade.brand.id) == frozenset()
    assert look(trade) == []


def test_goods_that_turn_out_to_be_another_distributors_withdraw_it_too(trade: Market) -> None:
    codes = trade.divert(4)
    look(trade)
    trade.session.execute(
        update(Sighting).where(Sighting.brand_id == trade.brand.id).values(distributor_id=None)
    )
    assert look(trade) == ["withdrawn"]
    assert only(trade).placed_scans == 0
    assert codes


def test_a_withdrawn_finding_opens_again_when_the_facts_turn_back(trade: Market) -> None:
    codes = trade.divert(4)
    look(trade)
    set_home(trade, codes, True)
    look(trade)
    set_home(trade, codes, False)
    assert look(trade) == ["opened"]
    kept = steps(trade.session, trade.brand.id, only(trade).id)
    assert actions(kept) == ["opened", "withdrawn", "opened"]


def test_an_answered_finding_stays_answered_and_is_withdrawn_with_the_facts(trade: Market) -> None:
    codes = trade.divert(4)
    look(trade)
    answer(
        trade.session,
        trade.brand.id,
        only(trade).id,
        trade.flow.distributor_id,
        "clerk",
        "调拨单在路上",
    )
    assert look(trade) == []
    assert only(trade).status == Status.ANSWERED
    set_home(trade, codes, True)
    assert look(trade) == ["withdrawn"]


@pytest.mark.parametrize("decision", [Status.CONFIRMED, Status.DISMISSED])
def test_what_the_brand_decided_stays_while_its_numbers_follow(
    trade: Market, decision: Status
) -> None:
    codes = trade.divert(4)
    look(trade)
    decide(trade.session, trade.brand.id, only(trade).id, "inspector", decision, "")
    set_home(trade, codes, True)
    assert look(trade) == []
    assert (only(trade).status, only(trade).off_scans) == (decision, 0)


def test_unknown_places_and_goods_without_papers_are_not_counted(trade: Market) -> None:
    people = [f"stranger {number}" for number in range(40)]
    trade.scan(trade.flow, DALIAN, people, home=None)
    assert look(trade) == []


def test_only_the_changed_flows_are_searched(trade: Market) -> None:
    trade.divert(4)
    other = Flow(trade.distributors[1].id, trade.product.id)
    assert detect(trade.session, trade.brand.id, TREE, [other]) == []
    assert actions(detect(trade.session, trade.brand.id, TREE, [trade.flow])) == ["opened"]


def test_a_brands_findings_come_from_its_own_goods(trade: Market) -> None:
    other = market(trade.session)
    other.divert(4)
    assert look(trade) == []
    assert look(other) == ["opened"]
    assert findings(trade.session, trade.brand.id) == []


def test_outbox_rows_of_many_brands_are_handled_together_and_twice(trade: Market) -> None:
    other = market(trade.session)
    for one in (trade, other):
        one.divert(4)
        owe(trade.session, "detect", one.brand.id, {"flows": [list(one.flow)]})
    rows = outbox.take(trade.session, "detect", 10)
    handle_detect(trade.session, rows)
    handle_detect(trade.session, rows)
    for one in (trade, other):
        assert actions(steps(trade.session, one.brand.id, only(one).id)) == ["opened"]


def test_a_second_look_at_a_brand_waits_for_the_first_and_opens_nothing_twice(
    engine: Engine,
) -> None:
    with clock.fixed(NOON), Session(engine) as setup:
        trade = market(setup)
        trade.divert(4)
        brand_id = trade.brand.id
        setup.commit()
        with Session(engine) as first, Session(engine) as second:
            assert actions(detect(first, brand_id, TREE)) == ["opened"]
            second.execute(text("SET lock_timeout = '50ms'"))
            second.commit()
            with pytest.raises(OperationalError, match="lock timeout"):
                detect(second, brand_id, TREE)
            second.rollback()
            first.commit()
            assert detect(second, brand_id, TREE) == []
