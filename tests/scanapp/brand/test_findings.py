from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from antifraud.models import Finding, FindingStep
from identity.models import Brand
from tests import factories
from tests.scanapp.accused import Accused, accused
from tests.scanapp.brand.world import Commit
from tests.scanapp.browser import Browser


@pytest.fixture
def two(commit: Commit, brand: Brand) -> Accused:
    with commit() as session:
        return accused(session, brand)


@pytest.fixture
def inspector(client: FlaskClient, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(client, "inspector")


def status(commit: Commit, finding_id: int) -> str:
    with commit() as session:
        return session.scalars(select(Finding.status).where(Finding.id == finding_id)).one()


def test_the_list_says_each_finding_in_plain_words(inspector: Browser, two: Accused) -> None:
    page = inspector.get("/console/findings")
    assert page.status_code == 200
    assert "East Trading → Dalian, Liaoning" in page.text
    assert "West Trading → Suzhou, Jiangsu" in page.text
    assert "this is statistics, not proof" in page.text


def test_the_evidence_is_drawn_with_what_else_would_explain_it(
    inspector: Browser, two: Accused
) -> None:
    page = inspector.get(f"/console/findings/{two.east_finding}").text
    assert "What else would explain such numbers" in page
    assert 'class="map"' in page
    assert 'class="bars"' in page
    assert page.count('data-label="Last seen there"') == 4  # a row for each carton
    assert "More than normal spill-over explains" in page


def test_a_decision_is_kept_with_its_reasons_and_who_took_it(
    inspector: Browser, two: Accused, commit: Commit
) -> None:
    path = f"/console/findings/{two.east_finding}"
    page = inspector.submit(path, decision="confirmed", text="Invoices from Dalian")
    assert (page.status_code, page.location) == (303, path)
    shown = inspector.get(path).text
    assert "Confirmed by inspector" in shown
    assert "Invoices from Dalian" in shown
    assert status(commit, two.east_finding) == "confirmed"
    assert status(commit, two.west_finding) == "open"


def test_decided_findings_leave_the_list_of_those_that_wait(
    inspector: Browser, two: Accused
) -> None:
    inspector.submit(f"/console/findings/{two.east_finding}", decision="dismissed", text="")
    assert "East Trading" not in inspector.get("/console/findings").text
    assert "East Trading" in inspector.get("/console/findings?all=1").text


@pytest.mark.parametrize(
    ("decision", "text"), [("forgiven", "why"), ("", ""), ("confirmed", "too long " * 500)]
)
def test_a_bad_decision_changes_nothing_and_keeps_what_was_typed(
    inspector: Browser, two: Accused, commit: Commit, decision: str, text: str
) -> None:
    path = f"/console/findings/{two.east_finding}"
    page = inspector.submit(path, decision=decision, text=text)
    assert page.status_code == 400
    assert f">{text}</textarea>" in page.text
    assert status(commit, two.east_finding) == "open"


def test_the_same_decision_twice_is_refused(inspector: Browser, two: Accused) -> None:
    path = f"/console/findings/{two.east_finding}"
    inspector.submit(path, decision="dismissed", text="a mistake of ours")
    assert inspector.submit(path, decision="dismissed", text="again").status_code == 409


def test_a_form_without_its_token_decides_nothing(
    inspector: Browser, two: Accused, commit: Commit
) -> None:
    path = f"/console/findings/{two.east_finding}"
    page = inspector.client.post(path, data={"decision": "confirmed", "text": "forged"})
    assert page.status_code == 400
    assert status(commit, two.east_finding) == "open"


def test_the_warehouse_may_not_see_findings(
    client: FlaskClient, sign_in: Callable[..., Browser], two: Accused
) -> None:
    warehouse = sign_in(client, "warehouse")
    for path in ("/console/findings", f"/console/findings/{two.east_finding}", "/console/reports"):
        assert warehouse.get(path).status_code == 403
    assert "East Trading" not in warehouse.get("/console/").text


def test_another_brands_finding_is_not_there(
    app: Flask, sign_in: Callable[..., Browser], two: Accused, commit: Commit
) -> None:
    with commit() as session:
        stranger = factories.brand(session)
    browser = sign_in(app.test_client(), "inspector", brand_id=stranger.id, login="other@x.com")
    path = f"/console/findings/{two.east_finding}"
    assert browser.get(path).status_code == 404
    browser.get("/console/findings")
    page = browser.post(path, decision="confirmed", text="")
    assert page.status_code in (400, 404)
    assert "East Trading" not in browser.get("/console/findings?all=1").text
    assert status(commit, two.east_finding) == "open"


def test_an_id_beyond_all_numbers_is_not_there(inspector: Browser) -> None:
    assert inspector.get(f"/console/findings/{2**63}").status_code == 404
    assert inspector.get("/console/findings/0").status_code == 404


def test_steps_are_never_rewritten(inspector: Browser, two: Accused, commit: Commit) -> None:
    path = f"/console/findings/{two.east_finding}"
    inspector.submit(path, decision="confirmed", text="first")
    inspector.submit(path, decision="dismissed", text="second")
    with commit() as session:
        steps = session.query(FindingStep).filter_by(finding_id=two.east_finding).all()
    assert [step.action for step in steps] == ["opened", "confirmed", "dismissed"]
