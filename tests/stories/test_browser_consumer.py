"""A consumer's whole way in a real browser of a phone's size, with scripts and without."""

import shutil
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from core.db import make_sessions
from rewards.credit import handle_credit
from tests import factories
from tests.scanapp import shop as shops
from tests.scanapp.shop import Shop, Street
from worker.drain import drain_topic

pytestmark = pytest.mark.browser

street = shops.street

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 360, "height": 740}
HANGZHOU = {"latitude": 30.2741, "longitude": 120.1551}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def address(street: Street) -> Iterator[str]:
    """Where the application answers over real HTTP."""
    server = make_server("127.0.0.1", 0, street.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: blocked by the policy, failed to load, failed to run."""
    return []


@pytest.fixture
def open_page(chromium: Browser, address: str, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens a phone's browser that nobody used before; keywords go to its context."""
    opened: list[BrowserContext] = []

    def noted(message: ConsoleMessage) -> None:
        complaints.append(f"{message.type}: {message.text}")

    def open_page(**options: object) -> Page:
        values = {"viewport": PHONE, "locale": "en-GB", "base_url": address, **options}
        context = chromium.new_context(**values)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        page.on("console", noted)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in opened:
        context.close()


def test_a_consumer_scans_claims_and_signs_in_on_a_phone(
    street: Street, open_page: OpenPage, complaints: list[str]
) -> None:
    shop = street.shop(points=7)
    serial = shop.take()
    page = open_page(geolocation=HANGZHOU, permissions=["geolocation"])
    page.goto(shop.path(serial))
    page.get_by_role("heading", name="Genuine code, first check").wait_for()
    page.get_by_label("Share my location").check()
    page.get_by_role("button", name="Claim 7 points").click()
    page.locator("[data-claim=waiting]").wait_for()
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.outcome, scan.region_code, scan.region_source) == ("first", "330100", "browser")
    sign_in(street, page, shop, "13911110001")
    page.get_by_text("On their way").wait_for()
    fits(page)
    drain_topic(make_sessions(street.engine), handle_credit, "credit")
    page.reload()
    assert page.locator(".points.big").inner_text().split() == ["7", "points"]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in with my phone number").wait_for()
    assert complaints == []


def test_without_scripts_everything_but_the_place_works_the_same(
    street: Street, open_page: OpenPage, complaints: list[str]
) -> None:
    shop = street.shop(points=7)
    serial = shop.take()
    page = open_page(java_script_enabled=False)
    page.goto(shop.path(serial))
    assert page.get_by_label("Share my location").is_hidden()
    page.get_by_role("button", name="Claim 7 points").click()
    page.locator("[data-claim=waiting]").wait_for()
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.outcome, scan.region_code) == ("first", None)
    sign_in(street, page, shop, "13911110002")
    page.get_by_text("On their way").wait_for()
    assert complaints == []


def test_a_place_that_may_not_be_known_keeps_nobody_from_the_points(
    street: Street, open_page: OpenPage
) -> None:
    shop = street.shop()
    serial = shop.take()
    page = open_page(permissions=[])  # the browser denies without asking
    page.goto(shop.path(serial))
    page.get_by_label("Share my location").check()
    page.get_by_role("button", name="Claim").click()
    page.locator("[data-claim=waiting]").wait_for()
    assert street.scans(shop.code_id(serial))[0].region_code is None


def test_going_back_after_the_claim_offers_nothing_twice(
    street: Street, open_page: OpenPage
) -> None:
    shop = street.shop()
    page = open_page()
    page.goto(f"/m/{shop.brand.code}/")
    page.goto(shop.path())
    page.get_by_role("button", name="Claim").click()
    page.locator("[data-claim=waiting]").wait_for()
    page.get_by_role("link", name="Sign in and keep them").click()
    page.go_back()
    page.locator("[data-claim=waiting]").wait_for()
    page.go_back()
    page.locator("[data-claim=offered]").wait_for(state="detached")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_breaks_no_policy(
    street: Street, open_page: OpenPage, complaints: list[str], locale: str, scheme: str
) -> None:
    shop = street.shop()
    with street.commit() as session:
        issued = factories.order(session, shop.brand, 1)
        cartons = factories.cartons(session, shop.brand, 1)
        codes = [*street.serials(session, issued), *street.serials(session, cartons)]
    taken = shop.path()
    scanner = street.phone()
    scanner.claim(scanner.scan(taken))
    page = open_page(locale=locale, color_scheme=scheme)
    wallet = f"/m/{shop.brand.code}/"
    for path in (shop.path(), taken, *(f"/{code}" for code in codes), wallet, f"{wallet}sign-in"):
        page.goto(path)
        fits(page)
    page.goto(f"/report/{shop.take()}")
    page.locator("#where").fill("W" * 200)
    page.locator("main button").click()
    fits(page)
    assert complaints == []
    for path in ("/01/1/21/x", f"/{'0' * 20}", "/no/such/page"):
        page.goto(path)
        fits(page)
    assert all("404" in complaint for complaint in complaints)


def sign_in(street: Street, page: Page, shop: Shop, number: str) -> None:
    """From the page with the points to the wallet, with the code that is sent."""
    page.get_by_role("link", name="Sign in and keep them").click()
    page.get_by_label("Phone number").first.fill(number)
    page.get_by_label("may keep my phone number").check()
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Six digits").fill(street.phone().code_sent(number))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/m/{shop.brand.code}/")


def fits(page: Page) -> None:
    """No part of the page lies beyond the screen's edge."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], (page.url, width)
