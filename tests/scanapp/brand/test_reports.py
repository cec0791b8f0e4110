from collections.abc import Callable

import pytest
from sqlalchemy import select

from antifraud.models import Report
from antifraud.report import file_report
from tests import factories
from tests.scanapp.brand.test_overview import tile
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser

SERIAL = "7KZQ2M8R4T0V9XW3B6NH"
File = Callable[[str], int]


@pytest.fixture
def file(trade: Trade, commit: Commit) -> File:
    """Files a report about the brand's code from this place; its id."""

    def filed(where: str) -> int:
        with commit() as session:
            return file_report(session, trade.brand.id, SERIAL, where, "odd").id

    return filed


def kept(commit: Commit, report_id: int) -> tuple[str, str | None, str]:
    with commit() as session:
        report = session.scalars(select(Report).where(Report.id == report_id)).one()
        return report.state, report.handled_by, report.handled_note


def test_reports_are_counted_and_lead_to_the_code(admin: Browser, file: File) -> None:
    file("market")
    file("fair")
    assert tile(admin.get("/console/").text, "Reports to look into") == "2"
    page = admin.get("/console/reports").text
    assert f'href="/console/look-up?code={SERIAL}"' in page
    assert "To do (2)" in page


def test_a_report_is_looked_into_and_closed_with_a_note(
    admin: Browser, commit: Commit, file: File
) -> None:
    report_id = file("market")
    url = f"/console/reports/{report_id}"
    assert admin.submit(url, state="looked_into", note="").status_code == 303
    assert kept(commit, report_id)[0] == "looked_into"
    refused = admin.submit(url, state="closed", note=" ")
    assert refused.status_code == 400
    assert '<a href="#note">Say what came of it before you close it.</a>' in refused.text
    assert admin.submit(url, state="closed", note="A copy: police told").status_code == 303
    state, who, note = kept(commit, report_id)
    assert (state, note) == ("closed", "A copy: police told")
    assert who is not None
    assert "market" not in admin.get("/console/reports").text
    assert "market" in admin.get("/console/reports?state=closed").text
    page = admin.get(url).text
    assert who in page
    assert "A copy: police told" in page


def test_another_brands_report_is_neither_shown_nor_handled(admin: Browser, commit: Commit) -> None:
    with commit() as session:
        report_id = file_report(session, factories.brand(session).id, SERIAL, "far", "").id
    admin.get("/console/reports")
    url = f"/console/reports/{report_id}"
    assert admin.get(url).status_code == 404
    assert admin.post(url, state="closed", note="x").status_code == 404
    assert kept(commit, report_id) == ("new", None, "")


def test_a_report_has_no_other_states(admin: Browser, commit: Commit, file: File) -> None:
    report_id = file("market")
    for state in ("new", "", "gone"):
        answer = admin.submit(f"/console/reports/{report_id}", state=state, note="x")
        assert answer.status_code == 400
    assert kept(commit, report_id) == ("new", None, "")
