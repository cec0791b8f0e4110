from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import update

from antifraud.report import file_report
from core import clock, outbox
from core.outbox import OutboxRow
from identity.models import Brand
from tests import factories
from tests.owing import owe
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser
from traceability.models import ForgedAttempts, Scan


def add_scans(commit: Commit, brand_id: int, count: int, outcome: str, days_ago: float) -> None:
    with commit() as session:
        session.add_all(
            Scan(
                at=clock.now() - timedelta(days=days_ago), brand_id=brand_id, code_id=number,
                visitor_id=uuid4(), outcome=outcome, verdict="allow", door="page",
            )
            for number in range(count)
        )  # fmt: skip


def tile(page: str, label: str) -> str:
    """The figure under its label."""
    after = page.split(f'<div class="stat-label">{label}</div>', 1)[1]
    cell = after.split('<div class="stat-value">', 1)[1].split("</div>", 1)[0]
    return cell.split(">", 1)[1].split("<", 1)[0] if cell.startswith("<a") else cell.strip()


def test_the_figures_are_the_brands_own(admin: Browser, trade: Trade, commit: Commit) -> None:
    add_scans(commit, trade.brand.id, 3, "first", 0)
    add_scans(commit, trade.brand.id, 2, "again_other", 4)
    add_scans(commit, trade.brand.id, 5, "first", 10)
    with commit() as session:
        stranger = factories.brand(session)
        factories.active_order(session, stranger, factories.product(session, stranger), 50)
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        session.add(ForgedAttempts(hour=hour, source=b"somebody", attempts=7))
    add_scans(commit, stranger.id, 9, "first", 0)
    page = admin.get("/console/").text
    assert tile(page, "Items on sale") == "100"
    assert tile(page, "Scans today") == "3"
    assert tile(page, "Scans in 7 days") == "5"
    assert tile(page, "First scans in 7 days") == "3"
    assert "Forged codes tried" not in page  # the codes are nobody's, and there are two brands
    assert page.count("<title>") == 1 + 14  # the page's own, and one for each day drawn


def test_forgeries_are_shown_to_the_installations_only_brand(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    with commit() as session:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        session.add(ForgedAttempts(hour=hour, source=b"somebody", attempts=7))
    assert tile(admin.get("/console/").text, "Forged codes tried") == "7"


def test_a_new_brand_is_told_its_first_steps_and_which_are_done(admin: Browser) -> None:
    page = admin.get("/console/").text
    assert '<a href="/console/products">Register a product</a>' in page
    assert "Nothing in these days." in page
    assert "highest" not in page
    admin.submit("/console/products", gtin="6901234567892", name_zh="酒")
    assert '<a href="/console/products">Register a product</a>' not in admin.get("/console/").text


def test_who_has_scans_is_told_no_first_steps(admin: Browser, trade: Trade, commit: Commit) -> None:
    add_scans(commit, trade.brand.id, 1, "first", 3)
    assert "First steps" not in admin.get("/console/").text


def test_days_begin_at_the_brands_midnight(admin: Browser, trade: Trade, commit: Commit) -> None:
    with commit() as session:
        session.execute(update(Brand).values(time_zone="America/New_York"))
    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
    with clock.fixed(midnight - timedelta(minutes=30)):
        add_scans(commit, trade.brand.id, 2, "first", 0)
    with clock.fixed(midnight + timedelta(minutes=30)):
        add_scans(commit, trade.brand.id, 3, "first", 0)
        page = admin.get("/console/").text
    assert tile(page, "Scans today") == "3"
    assert "19 Nov 2026: 2" in page
    assert "20 Nov 2026: 3" in page


def test_each_role_sees_what_it_may(
    admin: Browser, client: FlaskClient, sign_in: Callable[..., Browser]
) -> None:
    assert "Points granted" in admin.get("/console/").text
    inspector = sign_in(client, "inspector").get("/console/").text
    assert "Scans today" in inspector
    assert "Points granted" not in inspector
    assert "Background work" not in inspector
    warehouse = sign_in(client, "warehouse").get("/console/").text
    assert "Items on sale" in warehouse
    assert "Scans today" not in warehouse


def park(commit: Commit, brand_id: int, error: str) -> int:
    with commit() as session:
        owe(session, "credit", brand_id, {"codes": []})
        row = session.query(OutboxRow).order_by(OutboxRow.id.desc()).first()
        assert row is not None
        outbox.park(session, row.id, error)
        return row.id


def is_parked(commit: Commit, row_id: int) -> bool:
    with commit() as session:
        return session.get_one(OutboxRow, row_id).parked_at is not None


def test_parked_work_is_shown_with_its_error_and_tried_again(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    first, second = (park(commit, trade.brand.id, error) for error in ("disk full", "no key"))
    page = admin.get("/console/").text
    assert "disk full" in page
    assert "no key" in page
    assert admin.post("/console/retry", id=str(first)).status_code == 303
    assert not is_parked(commit, first)
    assert is_parked(commit, second)
    admin.post("/console/retry", id="")
    assert not is_parked(commit, second)


def test_another_brands_parked_work_is_neither_shown_nor_retried(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    with commit() as session:
        stranger = factories.brand(session)
    row = park(commit, stranger.id, "theirs")
    park(commit, trade.brand.id, "ours")
    assert "theirs" not in admin.get("/console/").text
    admin.post("/console/retry", id=str(row))
    assert is_parked(commit, row)


def test_only_administrators_retry(
    client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade, commit: Commit
) -> None:
    row = park(commit, trade.brand.id, "disk full")
    inspector = sign_in(client, "inspector")
    inspector.get("/console/")
    assert inspector.post("/console/retry", id=str(row)).status_code == 403
    assert is_parked(commit, row)


def test_consumers_reports_are_listed_for_the_brand_that_made_the_code(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    with commit() as session:
        ours = file_report(session, trade.brand.id, "7KZQ2M8R4T0V9XW3B6NH", "market", "<b>odd</b>")
        nobodys = file_report(session, None, "FAKE", "night stall", "")
    page = admin.get("/console/reports").text
    assert ours.case_number in page
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert nobodys.case_number in page  # there is no other brand whose it could be
    with commit() as session:
        stranger = factories.brand(session)
        file_report(session, stranger.id, "", "elsewhere", "")
    page = admin.get("/console/reports").text
    assert "elsewhere" not in page
    assert "night stall" not in page
