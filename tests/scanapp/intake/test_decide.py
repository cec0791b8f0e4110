from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.judge import DEFAULT_RULES
from codegen.models import Layer, RangeState
from core.regions.tree import RegionTree
from scanapp.intake.decide import LIVE, fixed_outcome, outcome_after, verdict_of, worse
from tests.factories import NOON
from traceability.verdict import ALLOW, Decision, Reason, Verdict
from traceability.visit import Kind, Outcome, Place, Visit

REGIONS = RegionTree.shipped()
GTIN = "06901234567892"
HANGZHOU, CHENGDU = "330100", "510100"


def visit(**more: Any) -> Visit:
    values = {
        "kind": Kind.SCAN,
        "code_id": 1,
        "brand_id": 7,
        "visitor_id": UUID(int=1),
        "at": NOON,
        "source": b"",
        **more,
    }
    return Visit(**values)


def row(**more: Any) -> SimpleNamespace:
    """Evidence of an item on sale whose visitor was never seen before."""
    values = {
        "brand_id": 7,
        "layer": Layer.ITEM,
        "state": RangeState.ACTIVE,
        "gtin": GTIN,
        "window_started_at": None,
        "window_scans": None,
        "last_region": None,
        "place_at": None,
        "forged_attempts": 0,
        "session_at": None,
        "session_verdict": None,
        "session_reasons": None,
        **more,
    }
    return SimpleNamespace(**values)


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (row(), None),
        (row(state=RangeState.ISSUED), Outcome.INACTIVE),
        (row(state=RangeState.VOID), Outcome.VOID),
        (row(state=RangeState.FROZEN), Outcome.VOID),
        (row(layer=Layer.CARTON), Outcome.OUTER),
        (row(layer=Layer.CARTON, state=RangeState.ISSUED), Outcome.OUTER),
        (row(layer=Layer.CARTON, state=RangeState.VOID), Outcome.VOID),
        (row(layer=None, brand_id=None), Outcome.FORGED),  # a number that was never ordered
        (row(brand_id=8), Outcome.FORGED),
        (row(gtin=None), Outcome.FORGED),
    ],
)
def test_the_range_decides_before_any_scan_does(
    evidence: SimpleNamespace, outcome: Outcome | None
) -> None:
    assert fixed_outcome(evidence, visit(gtin=GTIN)) is outcome


def test_an_address_without_a_product_number_contradicts_nothing() -> None:
    assert fixed_outcome(row(gtin=None), visit()) is None
    assert fixed_outcome(row(), visit(gtin="06901234567908")) is Outcome.FORGED


@pytest.mark.parametrize(
    ("place", "minutes", "is_mine", "outcome"),
    [
        (HANGZHOU, 59, False, Outcome.AGAIN_NEAR),
        (HANGZHOU, 60, False, Outcome.AGAIN_NEAR),
        (HANGZHOU, 61, False, Outcome.AGAIN_OTHER),
        (HANGZHOU, -1, False, Outcome.AGAIN_NEAR),  # clocks of two processes
        (CHENGDU, 1, False, Outcome.AGAIN_OTHER),
        (None, 1, False, Outcome.AGAIN_OTHER),
        (CHENGDU, 600, True, Outcome.AGAIN_MINE),
    ],
)
def test_a_second_check_is_mine_near_or_anothers(
    place: str | None, minutes: int, is_mine: bool, outcome: Outcome
) -> None:
    now = visit(
        at=NOON + timedelta(minutes=minutes), place=Place(place, "proxy") if place else None
    )
    assert outcome_after(now, NOON, HANGZHOU, is_mine) is outcome


def test_two_places_that_nobody_knows_are_not_the_same_place() -> None:
    assert outcome_after(visit(), NOON, None, is_mine=False) is Outcome.AGAIN_OTHER


@pytest.mark.parametrize(
    ("scans", "decision"),
    [
        (DEFAULT_RULES.window_scans_hold - 1, Decision.ALLOW),
        (DEFAULT_RULES.window_scans_hold, Decision.HOLD),
        (DEFAULT_RULES.window_scans_refuse, Decision.REFUSE),
    ],
)
def test_this_scan_is_one_more_than_the_window_holds(scans: int, decision: Decision) -> None:
    evidence = row(window_started_at=NOON - timedelta(minutes=1), window_scans=scans)
    assert verdict_of(evidence, visit(), 0, REGIONS).decision is decision


def test_scans_of_the_same_batch_count_too() -> None:
    assert verdict_of(row(), visit(), DEFAULT_RULES.window_scans_hold - 1, REGIONS) == ALLOW
    held = verdict_of(row(), visit(), DEFAULT_RULES.window_scans_hold, REGIONS)
    assert held.decision is Decision.HOLD


def test_a_window_that_is_over_counts_no_more() -> None:
    started_at = NOON - timedelta(seconds=DEFAULT_RULES.window_seconds)
    evidence = row(window_started_at=started_at, window_scans=500)
    assert verdict_of(evidence, visit(), 0, REGIONS) == ALLOW


@pytest.mark.parametrize(
    ("source", "last_region", "place_at", "session_at", "decision"),
    [
        ("browser", HANGZHOU, NOON - timedelta(minutes=30), None, Decision.HOLD),
        ("app", HANGZHOU, NOON - timedelta(minutes=30), None, Decision.HOLD),
        ("proxy", HANGZHOU, NOON - timedelta(minutes=30), None, Decision.ALLOW),
        ("browser", HANGZHOU, NOON - timedelta(hours=8), None, Decision.ALLOW),
        ("browser", CHENGDU, NOON - timedelta(minutes=1), None, Decision.ALLOW),
        ("browser", "999999", NOON - timedelta(minutes=1), None, Decision.ALLOW),
        ("browser", None, None, None, Decision.ALLOW),
        # Told within the session that it is compared with.
        ("browser", HANGZHOU, NOON, NOON - timedelta(minutes=1), Decision.ALLOW),
    ],
)
def test_only_told_places_of_two_visits_make_a_journey(
    source: str,
    last_region: str | None,
    place_at: datetime | None,
    session_at: datetime | None,
    decision: Decision,
) -> None:
    evidence = row(last_region=last_region, place_at=place_at, session_at=session_at)
    now = visit(place=Place(CHENGDU, source))
    assert verdict_of(evidence, now, 0, REGIONS).decision is decision


def test_what_was_thought_when_the_session_began_is_kept() -> None:
    reasons = [{"code": "velocity", "facts": {"scans": 41}}]
    evidence = row(session_at=NOON, session_verdict="hold", session_reasons=reasons)
    verdict = verdict_of(evidence, visit(), 0, REGIONS)
    assert verdict == Verdict(Decision.HOLD, (Reason("velocity", {"scans": 41}),))


verdicts = st.sampled_from([Verdict(decision) for decision in Decision])


@given(verdicts, verdicts, verdicts)
def test_of_several_opinions_the_weightiest_wins_in_any_order(
    one: Verdict, two: Verdict, three: Verdict
) -> None:
    together = worse(worse(one, two), three)
    assert together.decision is worse(three, worse(two, one)).decision
    assert together in (one, two, three)
    order = [Decision.ALLOW, Decision.HOLD, Decision.REFUSE]
    weights = [order.index(verdict.decision) for verdict in (one, two, three)]
    assert order.index(together.decision) == max(weights)


def test_only_items_on_sale_can_be_claimed() -> None:
    fixed = {Outcome.FORGED, Outcome.INACTIVE, Outcome.VOID, Outcome.OUTER}
    assert set(Outcome) == fixed | set(LIVE)
