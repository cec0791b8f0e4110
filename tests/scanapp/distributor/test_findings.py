from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from antifraud.answer import decide
from antifraud.models import Finding, FindingStep
from identity.models import Brand
from tests.scanapp.accused import Accused, accused
from tests.scanapp.brand.world import Commit
from tests.scanapp.browser import Browser


@pytest.fixture
def two(commit: Commit, brand: Brand) -> Accused:
    with commit() as session:
        return accused(session, brand)


@pytest.fixture
def east(client: FlaskClient, sign_in: Callable[..., Browser], two: Accused) -> Browser:
    """A clerk of the first distributor."""
    return sign_in(client, "distributor", distributor_id=two.east.id)


def test_a_distributor_sees_what_concerns_it_and_nothing_of_others(
    east: Browser, two: Accused
) -> None:
    pages = [east.get("/portal/"), east.get(f"/portal/findings/{two.east_finding}")]
    for page in pages:
        assert page.status_code == 200
        assert "East Trading" in page.text
        assert "Dalian" in page.text
        for others in ("South Trading", "West Trading", "Middle Trading", "Suzhou", "Chengdu"):
            assert others not in page.text


def test_guessing_the_id_of_anothers_finding_finds_nothing(
    east: Browser, two: Accused, commit: Commit, brand: Brand
) -> None:
    path = f"/portal/findings/{two.west_finding}"
    east.get(f"/portal/findings/{two.east_finding}")
    shown, answered = east.get(path), east.post(path, text="not ours to answer")
    never = east.get("/portal/findings/999999")
    assert (shown.status_code, answered.status_code, never.status_code) == (404, 404, 404)
    assert "West Trading" not in shown.text + answered.text
    with commit() as session:
        assert session.get_one(Finding, (brand.id, two.west_finding)).status == "open"


def test_an_answer_is_kept_and_both_sides_read_it(
    east: Browser, two: Accused, client: FlaskClient, sign_in: Callable[..., Browser]
) -> None:
    path = f"/portal/findings/{two.east_finding}"
    assert east.submit(path, text="Sold to a hotel in Dalian, invoice 42").status_code == 303
    assert "invoice 42" in east.get(path).text
    inspector = sign_in(client, "inspector")
    assert "invoice 42" in inspector.get(f"/console/findings/{two.east_finding}").text


@pytest.mark.parametrize("text", ["", "   ", "a\0b", "x" * 2001])
def test_an_answer_that_says_nothing_or_too_much_changes_nothing(
    east: Browser, two: Accused, commit: Commit, text: str
) -> None:
    page = east.submit(f"/portal/findings/{two.east_finding}", text=text)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    with commit() as session:
        assert session.query(FindingStep).filter_by(action="answered").count() == 0


def test_a_decided_finding_takes_no_more_answers_and_names_the_brand_not_its_people(
    east: Browser, two: Accused, commit: Commit, brand: Brand
) -> None:
    with commit() as session:
        decide(session, brand.id, two.east_finding, "Inspector Zhou", "confirmed", "Evidence")
    path = f"/portal/findings/{two.east_finding}"
    shown = east.get(path).text
    assert f"Confirmed by {brand.name_en}" in shown
    assert "Inspector Zhou" not in shown
    assert "<textarea" not in shown
    assert east.post(path, text="but").status_code == 409


def test_a_form_without_its_token_answers_nothing(
    east: Browser, two: Accused, commit: Commit, brand: Brand
) -> None:
    page = east.client.post(f"/portal/findings/{two.east_finding}", data={"text": "forged"})
    assert page.status_code == 400
    with commit() as session:
        assert session.get_one(Finding, (brand.id, two.east_finding)).status == "open"


def test_the_brands_people_have_no_place_in_the_portal_nor_clerks_in_the_console(
    east: Browser, client: FlaskClient, sign_in: Callable[..., Browser]
) -> None:
    sign_in(client, "inspector")
    assert client.get("/portal/").status_code == 200  # still the clerk: a cookie for each door
    page = Browser(client).submit(
        "/portal/sign-in", login="inspector@example.com", password="correct horse battery"
    )
    assert page.status_code == 403
