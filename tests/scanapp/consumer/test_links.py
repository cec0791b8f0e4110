import pytest

from codegen.gs1 import check_digit, sscc
from codegen.product import correct_gtin
from tests import factories
from tests.scanapp.shop import Phone, Shop, Street

pytestmark = pytest.mark.usefixtures("noon")

CARTON = sscc(0, "6901234", 1)


@pytest.mark.parametrize(
    "form",
    [
        "/01/{gtin}/10/L1/21/{serial}",
        "/01/{gtin}/22/V/10/l1/21/{serial}",
        "/01/{gtin}/22/V/21/{serial}",
        "/01/{gtin}/21/{serial}/",
        "/{serial}/",
        "/{serial}//",
        "/%2F{serial}",
        "/%2F01/{gtin}/21/{serial}",
        "/01/{gtin}//21/{serial}",
        "/01/{gtin}/21/%20{serial}%20",
        "/01/{gtin}/21/{serial}%0A",
        "/01/{gtin}/21/{serial}%E2%80%8B",
        "/%EF%BB%BF{serial}",
        "/01/%EF%BB%BF{gtin}/21/{serial}",
        "/01/{gtin}/21/{grouped}",
        "/{grouped}",
        "/01/{gtin}/21/{wide}",
        "/%5DQ1https://yima.example/01/{gtin}/21/{serial}",
        "/%5C000026{serial}",
        "/%3C{serial}%3E",
        "/{serial}%E3%80%82",
        "/(01){gtin}(21){serial}",
        "/01{gtin}21{serial}",
    ],
)
def test_a_code_in_any_dress_is_answered_at_once(street: Street, shop: Shop, form: str) -> None:
    serial = shop.take()
    grouped = "-".join(serial[start : start + 4] for start in range(0, 20, 4))
    wide = serial.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)})
    path = form.format(gtin=shop.product.gtin, serial=serial, grouped=grouped, wide=wide)
    page = street.phone().scan(path)
    assert (page.status, page.outcome) == (200, "first")
    assert "another lot" not in page.text
    assert len(street.scans(shop.code_id(serial))) == 1


def test_qualifiers_in_another_order_are_refused_in_words(street: Street, shop: Shop) -> None:
    page = street.phone().look(f"/01/{shop.product.gtin}/21/{shop.take()}/10/L1")
    assert (page.status, page.outcome) == (404, "malformed")
    assert "This link has them in another order" in page.text


def test_another_lot_in_the_link_is_a_doubt_that_is_shown_recorded_and_held(
    street: Street, shop: Shop
) -> None:
    serial, phone = shop.take(), street.phone()
    page = phone.scan(f"/01/{shop.product.gtin}/10/FAKE-7/21/{serial}")
    assert page.outcome == "first"
    assert "The link names another lot It says lot FAKE-7" in page.text
    assert "released as lot L1" in page.text
    assert "Unusual checks" not in page.text
    [scan] = street.scans(shop.code_id(serial))
    facts = {"link": "FAKE-7", "item": "L1"}
    assert (scan.verdict, scan.reasons) == ("hold", [{"code": "other_lot", "facts": facts}])
    claimed = phone.claim(page)
    assert claimed.claim == "held"
    assert "another lot than the product's" in claimed.text


def test_a_products_link_shows_the_product_and_scans_nothing(street: Street, shop: Shop) -> None:
    for path in (f"/01/{shop.product.gtin}", f"/01/{shop.product.gtin}/", f"/{shop.product.gtin}"):
        page = street.phone().look(path)
        assert (page.status, page.beacon, page.outcome) == (200, "", None)
        assert "Plum wine" in page.text
        assert "Type the code" in page.text
        assert "Set-Cookie" not in page.response.headers


def test_codes_printed_with_a_gtin_that_was_corrected_stay_good(
    street: Street, phone: Phone
) -> None:
    shop = street.shop(4)
    old, new = shop.product.gtin, "06901234567892"
    printed, serial = shop.path(), shop.take()
    with street.commit() as session:
        correct_gtin(session, shop.brand.id, shop.product.id, new, reason="wrong", actor="Mei")
    page = phone.scan(printed)
    assert (page.status, page.outcome) == (200, "first")
    assert new in page.text
    assert phone.claim(page).claim == "waiting"
    assert street.phone().look(f"/01/{new}/21/{serial}").outcome == "first"
    assert "Plum wine" in street.phone().look(f"/01/{old}").text
    with street.commit() as session:
        other = factories.product(session, shop.brand, gtin=old, name_en="Another wine")
    assert street.phone().look(f"/01/{old}/21/{serial}").outcome == "first"
    assert "Another wine" in street.phone().look(f"/01/{old}").text
    assert street.phone().look(f"/01/{other.gtin}").status == 200


def test_an_unknown_products_link_says_so(street: Street) -> None:
    body = "0690999999999"
    page = street.phone().look(f"/01/{body}{check_digit(body)}")
    assert page.status == 404
    assert "We do not know this product" in page.text
    assert "Type the code" in page.text


def test_a_mistyped_products_link_says_what_is_wrong(street: Street) -> None:
    page = street.phone().look("/01/06901234567893")
    assert (page.status, page.outcome) == (404, "malformed")
    assert "its last digit is 3 and must be 2" in page.text


@pytest.mark.parametrize("form", ["/00/{}", "/00/{}/", "/00{}", "/{}", "/(00){}"])
def test_a_cartons_number_asks_for_the_code_of_the_product(street: Street, form: str) -> None:
    page = street.phone().look(form.format(CARTON))
    assert (page.status, page.outcome) == (200, None)
    assert "This is a carton's number" in page.text
    assert "Type the code" in page.text


@pytest.mark.parametrize("path", ["/", "/no/such/page", "/short"])
def test_no_page_is_a_dead_end(street: Street, path: str) -> None:
    page = street.phone().look(path)
    assert page.status == (200 if path == "/" else 404)
    assert "Type the code" in page.text


def test_other_doors_pages_that_are_not_there_stay_theirs(street: Street) -> None:
    page = street.phone().look("/console/no-such-page")
    assert page.status == 404
    assert "Type the code" not in page.text


def test_what_is_typed_leads_to_its_page(street: Street, shop: Shop) -> None:
    serial, gtin = shop.take(), shop.product.gtin
    for typed, path in [
        (f" {serial[:10]}-{serial[10:].lower()} ", f"/{serial}"),
        (f"https://yima.example/01/{gtin}/21/{serial}", f"/01/{gtin}/21/{serial}"),
        (f"(01){gtin}(10)L1(21){serial}", f"/01/{gtin}/10/L1/21/{serial}"),
        (gtin, f"/01/{gtin}"),
        (f"00{CARTON}", f"/00/{CARTON}"),
    ]:
        answer = street.phone().look("/find", query_string={"code": typed}).response
        assert (answer.status_code, answer.location) == (303, path)


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "This is no code"), ("GK97SAVT", "20 letters and digits"), ("6.9E+12", "spreadsheet")],
)
def test_what_is_typed_wrong_is_kept_and_told(street: Street, typed: str, told: str) -> None:
    page = street.phone().look("/find", query_string={"code": typed})
    assert page.status == 400
    assert told in page.text
    assert f'value="{typed}"' in page.response.text
