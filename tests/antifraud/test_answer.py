import pytest

from antifraud.answer import TEXT_MAX, answer, decide
from antifraud.detect import detect
from antifraud.errors import FindingClosed, UnknownFinding
from antifraud.models import Finding, Status
from antifraud.queries import findings, steps
from core.errors import BadInput
from tests import factories
from tests.antifraud.sightings import TREE, Market


@pytest.fixture
def finding(trade: Market) -> Finding:
    trade.divert(4)
    detect(trade.session, trade.brand.id, TREE)
    (opened,) = findings(trade.session, trade.brand.id)
    return opened


def told(trade: Market, finding: Finding) -> list[tuple[str, str, str]]:
    kept = steps(trade.session, trade.brand.id, finding.id)
    return [(step.actor, step.action, step.text) for step in kept[1:]]


def test_every_answer_and_decision_is_kept(trade: Market, finding: Finding) -> None:
    session, own = trade.session, trade.flow.distributor_id
    answer(session, finding.brand_id, finding.id, own, "li", "  宴席用酒，附照片  ")
    answer(session, finding.brand_id, finding.id, own, "li", "补充：发票号 7")
    assert finding.status == Status.ANSWERED
    decide(session, trade.brand.id, finding.id, "wang", "dismissed", "属实")
    decide(session, trade.brand.id, finding.id, "zhao", "confirmed", "复查：发票不实")
    assert finding.status == Status.CONFIRMED
    assert told(trade, finding) == [
        ("li", "answered", "宴席用酒，附照片"),
        ("li", "answered", "补充：发票号 7"),
        ("wang", "dismissed", "属实"),
        ("zhao", "confirmed", "复查：发票不实"),
    ]


def test_a_distributor_answers_only_its_own_finding(trade: Market, finding: Finding) -> None:
    with pytest.raises(UnknownFinding):
        answer(trade.session, trade.brand.id, finding.id, trade.distributors[1].id, "li", "?")
    assert finding.status == Status.OPEN
    assert told(trade, finding) == []


def test_a_brand_decides_only_its_own_finding(trade: Market, finding: Finding) -> None:
    stranger = factories.brand(trade.session)
    with pytest.raises(UnknownFinding):
        decide(trade.session, stranger.id, finding.id, "wang", "confirmed", "")
    assert finding.status == Status.OPEN


@pytest.mark.parametrize("text", ["", "   ", "长" * (TEXT_MAX + 1), "a\x00b", "a\ud800b"])
def test_an_answer_that_cannot_be_kept_is_refused(
    trade: Market, finding: Finding, text: str
) -> None:
    with pytest.raises(BadInput, match="answer must"):
        answer(trade.session, trade.brand.id, finding.id, trade.flow.distributor_id, "li", text)
    assert told(trade, finding) == []


def test_only_the_two_decisions_exist(trade: Market, finding: Finding) -> None:
    with pytest.raises(BadInput, match="confirmed, dismissed"):
        decide(trade.session, trade.brand.id, finding.id, "wang", "withdrawn", "")


def test_the_same_decision_twice_is_refused(trade: Market, finding: Finding) -> None:
    decide(trade.session, trade.brand.id, finding.id, "wang", "confirmed", "")
    with pytest.raises(FindingClosed):
        decide(trade.session, trade.brand.id, finding.id, "wang", "confirmed", "")
    assert len(told(trade, finding)) == 1


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.DISMISSED, Status.WITHDRAWN])
def test_a_finding_that_is_closed_takes_no_answers(
    trade: Market, finding: Finding, status: Status
) -> None:
    finding.status = status
    trade.session.flush()
    with pytest.raises(FindingClosed, match=status):
        answer(
            trade.session, trade.brand.id, finding.id, trade.flow.distributor_id, "li", "too late"
        )


def test_a_withdrawn_finding_cannot_be_decided(trade: Market, finding: Finding) -> None:
    finding.status = Status.WITHDRAWN
    trade.session.flush()
    with pytest.raises(FindingClosed):
        decide(trade.session, trade.brand.id, finding.id, "wang", "confirmed", "")
