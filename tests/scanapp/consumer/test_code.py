from datetime import date, timedelta
from typing import Any

import pytest

from codegen.activate import Batch, Numbers, activate, freeze, void
from codegen.keys import revoke
from core import clock
from scanapp.consumer.visitor import BEACON_SECONDS
from tests import factories
from tests.factories import NOON
from tests.scanapp.shop import Shop, Street

pytestmark = pytest.mark.usefixtures("noon")

LOOK_ALIKES = str.maketrans("01", "Oi")


@pytest.mark.parametrize("form", ["digital link", "short link"])
def test_an_item_that_nobody_has_scanned_is_genuine_and_first(
    street: Street, shop: Shop, form: str
) -> None:
    serial = shop.take()
    page = street.phone().look(shop.path(serial) if form == "digital link" else f"/{serial}")
    assert (page.status, page.outcome) == (200, "first")
    assert "Genuine code, first check" in page.text
    assert "Plum wine" in page.text
    assert shop.product.gtin in page.text
    assert serial == "".join(page.text.split("Serial number ")[1].split()[:4])


def test_it_says_when_and_where_the_reader_checked_it_before(street: Street, shop: Shop) -> None:
    phone, path = street.phone(), shop.path()
    phone.tell_place(phone.scan(path), lat=30.27, lon=120.15)
    with clock.fixed(NOON + timedelta(hours=2)):
        page = phone.look(path)
    assert page.outcome == "again_mine"
    assert "First verified on 20 Nov 2026, 20:00 in Hangzhou, Zhejiang." in page.text
    assert "beware" not in page.text


def test_who_is_first_reads_so_as_long_as_nothing_has_changed(street: Street, shop: Shop) -> None:
    phone, path = street.phone(), shop.path()
    phone.claim(phone.scan(path))
    assert "Genuine code, first check" in phone.look(path).text
    street.phone().scan(path)
    assert "Genuine code, first check" not in phone.look(path).text


def test_it_warns_of_checks_by_others_with_their_number(street: Street, shop: Shop) -> None:
    path = shop.path()
    for _ in range(3):
        street.phone().scan(path)
    with clock.fixed(NOON + timedelta(hours=2)):
        page = street.phone().look(path)
    assert page.outcome == "again_other"
    assert "Verified 3 times so far. If that was neither you nor somebody with you" in page.text
    assert "Report this code" in page.text


def test_another_browser_a_minute_later_may_be_the_same_persons(street: Street, shop: Shop) -> None:
    path = shop.path()
    street.phone().scan(path)
    with clock.fixed(NOON + timedelta(minutes=1)):
        page = street.phone().look(path)
    assert page.outcome == "again_near"
    assert "beware" not in page.text
    assert "nearby" not in page.text
    assert "Was it you, or somebody with you?" in page.text


def test_the_same_person_on_another_phone_is_no_stranger(street: Street, shop: Shop) -> None:
    one, other, path = street.phone(), street.phone(), shop.path()
    one.sign_in(shop.brand, "13900000001")
    one.scan(path)
    with clock.fixed(NOON + timedelta(minutes=2)):
        other.sign_in(shop.brand, "13900000001")
    assert other.look(path).outcome == "again_mine"


def test_it_shows_lot_and_days_of_the_product(street: Street, shop: Shop) -> None:
    batch = Batch(lot="L-77", produced_on=date(2026, 10, 1), expires_on=date(2029, 9, 30))
    with street.commit() as session:
        order = factories.order(session, shop.brand, 1, product_id=shop.product.id)
        activate(session, shop.brand.id, order.id, Numbers(1, 1), batch, "test")
        [serial] = street.serials(session, order)
    text = street.phone().look(f"/{serial}").text
    assert "Lot L-77" in text
    assert "Produced on 1 Oct 2026" in text
    assert "Use by 30 Sep 2029" in text
    assert "2029年9月30日" in street.phone("zh").look(f"/{serial}").text


def test_a_code_that_was_not_activated_is_not_on_sale_yet(street: Street, shop: Shop) -> None:
    with street.commit() as session:
        order = factories.order(session, shop.brand, 1)
        [serial] = street.serials(session, order)
    page = street.phone().scan(f"/{serial}")
    assert (page.status, page.outcome, page.claim) == (200, "inactive", None)
    assert "not on sale yet" in page.text
    [scan] = street.scans(order.lo)
    assert scan.outcome == "inactive"


def test_a_void_code_says_why_and_pays_nothing(street: Street, shop: Shop) -> None:
    serial = shop.take()
    number = shop.number(serial)
    with street.commit() as session:
        numbers = Numbers(number, number)
        void(session, shop.brand.id, shop.order.id, numbers, "Recalled: glass splinters", "test")
    page = street.phone().scan(shop.path(serial))
    assert (page.status, page.outcome, page.claim) == (200, "void", None)
    assert "This code is no longer valid" in page.text
    assert "Reason: Recalled: glass splinters" in page.text
    assert [scan.outcome for scan in street.scans(shop.code_id(serial))] == ["void"]


def test_a_frozen_code_is_blocked_for_now(street: Street, shop: Shop) -> None:
    serial = shop.take()
    number = shop.number(serial)
    with street.commit() as session:
        numbers = Numbers(number, number)
        freeze(session, shop.brand.id, shop.order.id, numbers, "A truck was robbed", "test")
    page = street.phone().look(shop.path(serial))
    assert (page.outcome, page.claim) == ("void", None)
    assert "This code is blocked for now" in page.text
    assert "Reason: A truck was robbed" in page.text


def test_a_cartons_code_sends_the_reader_inside(street: Street, shop: Shop) -> None:
    with street.commit() as session:
        order = factories.cartons(session, shop.brand, 1)
        [serial] = street.serials(session, order)
    page = street.phone().scan(f"/{serial}")
    assert (page.status, page.outcome, page.claim) == (200, "outer", None)
    assert "scan or type the code on the product itself" in page.text
    assert "Type the code" in page.text


def test_a_guessed_serial_is_no_code_of_ours(street: Street, shop: Shop) -> None:
    serial = shop.take()
    forged = serial[:10] + ("0" if serial[10] != "0" else "1") + serial[11:]
    page = street.phone().look(shop.path(forged))
    assert (page.status, page.outcome, page.beacon) == (404, "forged", "")
    assert "We didn't issue this code" in page.text
    assert "Report this code" in page.text


def test_another_products_number_in_the_address_is_a_forgery(street: Street, shop: Shop) -> None:
    with street.commit() as session:
        other = factories.product(session, shop.brand)
    page = street.phone().look(f"/01/{other.gtin}/21/{shop.take()}")
    assert (page.status, page.outcome) == (404, "forged")


def test_a_revoked_keys_codes_are_no_longer_ours(street: Street) -> None:
    shop = street.shop(1)
    serial = shop.take()
    assert street.phone().look(f"/{serial}").outcome == "first"
    with street.commit() as session:
        revoke(session, shop.brand.id, shop.order.key_id)
    assert street.phone().look(f"/{serial}").outcome == "forged"


@pytest.mark.parametrize("change", ["too short", "too long", "strange"])
def test_a_code_that_was_typed_wrong_can_not_be_read(
    street: Street, shop: Shop, change: str
) -> None:
    serial = shop.take()
    typed = {"too short": serial[:-1], "too long": serial + "0", "strange": serial[:-1] + "*"}
    page = street.phone().look(shop.path(typed[change]))
    assert (page.status, page.outcome) == (404, "malformed")
    assert "This code cannot be read" in page.text


@pytest.mark.parametrize("gtin", ["123", "06901234567890", "0690123456789x"])
def test_a_product_number_that_is_none_can_not_be_read(
    street: Street, shop: Shop, gtin: str
) -> None:
    page = street.phone().look(f"/01/{gtin}/21/{shop.take()}")
    assert (page.status, page.outcome) == (404, "malformed")


def test_lower_case_look_alikes_and_blanks_are_read_as_meant(street: Street, shop: Shop) -> None:
    serial = shop.take()
    typed = serial.lower().translate(LOOK_ALIKES)
    for path in (f"/{typed}", shop.path(f"%20{typed}%20"), shop.path(typed.upper())):
        page = street.phone().look(path)
        assert (page.status, page.outcome) == (200, "first")


def test_the_shorter_forms_of_a_product_number_name_the_same_product(
    street: Street, shop: Shop
) -> None:
    path = f"/01/{shop.product.gtin.removeprefix('0')}/21/{shop.take()}"
    assert street.phone().look(path).outcome == "first"


def test_what_can_not_be_meant_as_a_code_is_no_page(street: Street) -> None:
    for path in ("/wp-login.php", "/favicon.ico", "/short", "/" + "0" * 40, "/-------------------"):
        page = street.phone().look(path)
        assert (page.status, page.outcome) == (404, None)


def test_looking_changes_nothing(street: Street, shop: Shop) -> None:
    path = shop.path()
    street.phone().scan(path)
    before = _everything(street)
    phone = street.phone()
    for address in (path, shop.path(), "/m/nobody/", f"/m/{shop.brand.code}/", "/report/X"):
        phone.look(address)
        phone.client.head(address)
    phone.look(f"/m/{shop.brand.code}/sign-in")
    assert _everything(street) == before


def test_a_crawler_before_the_person_takes_nothing_from_them(street: Street, shop: Shop) -> None:
    path = shop.path()
    for _ in range(5):
        assert street.phone().look(path).outcome == "first"
    assert street.phone().scan(path).outcome == "first"


def test_the_image_counts_one_visit_a_session(street: Street, shop: Shop) -> None:
    phone, serial = street.phone(), shop.take()
    for minutes in (0, 10, 29):
        with clock.fixed(NOON + timedelta(minutes=minutes)):
            phone.scan(shop.path(serial))
    assert len(street.scans(shop.code_id(serial))) == 1
    with clock.fixed(NOON + timedelta(minutes=31)):
        phone.scan(shop.path(serial))
        page = phone.look(shop.path(serial))
    outcomes = [scan.outcome for scan in street.scans(shop.code_id(serial))]
    assert outcomes == ["first", "again_mine"]
    assert "Verified so far 2 times" in page.text


def test_the_image_is_refused_when_its_ticket_is_old_or_changed(street: Street, shop: Shop) -> None:
    phone, serial = street.phone(), shop.take()
    page = phone.look(shop.path(serial))
    with clock.fixed(NOON + timedelta(seconds=BEACON_SECONDS + 1)):
        assert phone.client.get(page.beacon).status_code == 400
    changed = page.beacon.replace("/b/", "/b/W")
    assert phone.client.get(changed).status_code == 400
    assert street.scans(shop.code_id(serial)) == []


def test_the_image_counts_for_who_was_shown_the_page_whoever_fetches_it(
    street: Street, shop: Shop
) -> None:
    reader, proxy, serial = street.phone(), street.phone(), shop.take()
    page = reader.look(shop.path(serial))
    assert proxy.client.get(page.beacon).mimetype == "image/gif"
    [scan] = street.scans(shop.code_id(serial))
    assert scan.visitor_id == reader.visitor()
    assert reader.look(shop.path(serial)).outcome == "again_mine"


def test_the_page_is_chinese_unless_the_reader_wants_english(street: Street, shop: Shop) -> None:
    path = shop.path()
    fresh = street.app.test_client()
    assert '<html lang="zh"' in fresh.get(path).text
    assert "青梅酒" in fresh.get(path).text
    assert "Plum wine" in fresh.get(path, headers={"Accept-Language": "en-GB,en"}).text
    assert "Plum wine" in fresh.get(path, query_string={"lang": "en"}).text
    assert "Plum wine" in fresh.get(path).text  # it was remembered


def _everything(street: Street) -> list[Any]:
    """Every table with the number of its rows and a digest of what they say."""
    street.refresh()
    tables = street.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    query = "SELECT count(*), sum(hashtext(t::text)) FROM {} t"
    return [(row.tablename, street.rows(query.format(row.tablename))) for row in tables]
