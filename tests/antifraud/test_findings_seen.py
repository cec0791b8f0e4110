"""Who sees which findings."""

import pytest

from antifraud.detect import detect
from antifraud.errors import UnknownFinding
from antifraud.models import Status
from antifraud.queries import accused_items, finding, findings, steps
from antifraud.weigh import Flow
from tests import factories
from tests.antifraud.sightings import DALIAN, SUZHOU, TREE, Market


@pytest.fixture
def two(trade: Market) -> list[int]:
    """The ids of a finding about the first distributor and of one about the second."""
    trade.divert(4, SUZHOU)
    trade.divert(4, DALIAN, Flow(trade.distributors[1].id, trade.product.id))
    detect(trade.session, trade.brand.id, TREE)
    seen = findings(trade.session, trade.brand.id)
    return [f.id for f in sorted(seen, key=lambda f: f.distributor_id)]


def test_a_brand_sees_all_its_findings_and_a_distributor_its_own(
    trade: Market, two: list[int]
) -> None:
    session, brand_id, own = trade.session, trade.brand.id, trade.distributors[0].id
    assert {f.id for f in findings(session, brand_id)} == set(two)
    assert [f.id for f in findings(session, brand_id, own)] == two[:1]
    assert finding(session, brand_id, two[0], own).id == two[0]
    with pytest.raises(UnknownFinding):
        finding(session, brand_id, two[1], own)
    assert len(steps(session, brand_id, two[0], own)) == 1
    assert steps(session, brand_id, two[1], own) == []


def test_another_brand_sees_nothing(trade: Market, two: list[int]) -> None:
    stranger = factories.brand(trade.session)
    assert findings(trade.session, stranger.id) == []
    assert steps(trade.session, stranger.id, two[0]) == []
    assert accused_items(trade.session, stranger.id) == frozenset()
    with pytest.raises(UnknownFinding):
        finding(trade.session, stranger.id, two[0])


def test_findings_are_bounded_and_filtered_by_status(trade: Market, two: list[int]) -> None:
    session, brand_id = trade.session, trade.brand.id
    assert len(findings(session, brand_id, limit=1)) == 1
    assert len(findings(session, brand_id, statuses=[Status.OPEN])) == len(two)
    assert findings(session, brand_id, statuses=[Status.CONFIRMED]) == []


def test_items_of_a_dismissed_finding_are_no_longer_accused(trade: Market, two: list[int]) -> None:
    session, brand_id = trade.session, trade.brand.id
    assert len(accused_items(session, brand_id)) == 48
    finding(session, brand_id, two[0]).status = Status.DISMISSED
    session.flush()
    assert len(accused_items(session, brand_id)) == 24
