import pytest
from sqlalchemy.orm import Session

from antifraud.models import Report
from tests.scanapp.shop import Page, Phone, Shop, Street

pytestmark = pytest.mark.usefixtures("noon")


def test_a_report_is_kept_under_a_case_number_that_is_told(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    page = _report(phone, serial, where="Night market, Ningbo", note="The seal was broken.")
    [kept] = street.rows("SELECT * FROM report WHERE serial = :serial", serial=serial)
    assert (kept.brand_id, kept.bought_where, kept.note) == (
        shop.brand.id,
        "Night market, Ningbo",
        "The seal was broken.",
    )
    assert f"Case number {_case_number(street, kept.id)}" in page.text
    assert f'href="/{serial}"' in page.response.text


def test_a_forged_code_can_be_reported_though_it_is_nobodys(street: Street, phone: Phone) -> None:
    serial = "00000000000000000009"
    assert _report(phone, serial, where="Online").status == 200
    [kept] = street.rows("SELECT * FROM report WHERE serial = :serial", serial=serial)
    assert kept.brand_id is None


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"where": "", "note": "It smells."}, "Tell us where you bought it"),
        ({"where": "  \0 ", "note": "It smells."}, "Tell us where you bought it"),
        ({"where": "x" * 201, "note": "It smells."}, "Tell us where you bought it"),
        ({"where": "Ningbo", "note": "It smells." * 101}, "At most 1,000 characters"),
    ],
)
def test_a_report_that_can_not_be_kept_is_shown_again_as_it_was_typed(
    street: Street, phone: Phone, shop: Shop, form: dict[str, str], told: str
) -> None:
    serial = shop.take()
    page = _report(phone, serial, **form)
    assert page.status == 400
    assert told in page.text
    assert "It smells." in page.text
    assert street.rows("SELECT 1 FROM report WHERE serial = :serial", serial=serial) == []


def test_what_was_typed_is_shown_as_text_not_as_markup(phone: Phone, shop: Shop) -> None:
    page = _report(phone, shop.take(), where="", note="<script>alert(1)</script>")
    assert "<script>alert" not in page.response.text
    assert "&lt;script&gt;" in page.response.text


def test_the_pages_link_to_the_report_leads_to_its_form(phone: Phone, shop: Shop) -> None:
    serial = shop.take()
    assert f'href="/report/{serial}"' in phone.look(shop.path(serial)).response.text
    form = phone.look(f"/report/{serial.lower()}")
    assert form.status == 200
    assert shop.brand.name_en in form.text


def test_a_report_sent_from_elsewhere_is_refused(phone: Phone, shop: Shop) -> None:
    answer = phone.client.post(f"/report/{shop.take()}", data={"where": "Ningbo"})
    assert answer.status_code == 400


def _report(phone: Phone, serial: str, **form: str) -> Page:
    return Page(phone.browser.submit(f"/report/{serial}", **form))


def _case_number(street: Street, report_id: int) -> str:
    with Session(street.engine) as session:
        return session.get_one(Report, report_id).case_number
