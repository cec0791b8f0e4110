import itertools
from datetime import timedelta

import pytest
from sqlalchemy import insert
from werkzeug.test import TestResponse

from core import clock
from core.db import make_sessions
from members import code
from rewards.credit import handle_credit
from rewards.models import Claim
from rewards.queries import HISTORY_LIMIT
from tests.factories import NOON
from tests.scanapp.shop import Page, Phone, Shop, Street
from worker.drain import drain_topic

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def number() -> str:
    """A phone number that no other test signs in with."""
    return f"137{next(_numbers):08d}"


_numbers = itertools.count(1)


def test_points_that_waited_are_the_members_after_sign_in(
    street: Street, phone: Phone, shop: Shop, number: str
) -> None:
    phone.claim(phone.scan(shop.path()))
    path = f"/m/{shop.brand.code}/"
    text = phone.look(path).text
    assert "5 points They wait in this browser until you sign in" in text
    assert "No points yet" not in text
    assert "5 points are waiting for you." in phone.look(f"{path}sign-in").text
    wallet = phone.sign_in(shop.brand, number)
    assert f"Signed in as {number[:3]}****{number[-4:]}" in wallet.text
    assert "5 points On their way" in wallet.text
    assert "0 points" not in wallet.text
    _credit(street)
    credited = phone.look(path).text
    assert "My points 5 points" in credited
    assert "Open and win Plum wine 20 Nov 2026, 20:00 +5" in credited


def test_signing_in_on_a_second_phone_shows_the_same_points(
    street: Street, shop: Shop, number: str
) -> None:
    one, other = street.phone(), street.phone()
    one.sign_in(shop.brand, number)
    one.claim(one.scan(shop.path()))
    _credit(street)
    with clock.fixed(NOON + timedelta(minutes=2)):
        assert "My points 5 points" in other.sign_in(shop.brand, number).text


def test_an_item_claimed_by_a_member_is_theirs_on_every_phone(
    street: Street, shop: Shop, number: str
) -> None:
    one, other, path = street.phone(), street.phone(), shop.path()
    one.sign_in(shop.brand, number)
    one.claim(one.scan(path))
    with clock.fixed(NOON + timedelta(minutes=2)):
        other.sign_in(shop.brand, number)
    page = other.claim(other.scan(path))
    assert page.claim == "granted"


def test_a_wallet_says_when_it_shows_only_the_newest(street: Street, number: str) -> None:
    shop, phone = street.shop(HISTORY_LIMIT), street.phone()
    phone.sign_in(shop.brand, number)
    [bound] = street.rows(
        "SELECT * FROM visitor_binding WHERE visitor_id = :visitor", visitor=phone.visitor()
    )
    assert shop.campaign is not None
    values = {
        "brand_id": shop.brand.id,
        "campaign_id": shop.campaign.id,
        "visitor_id": bound.visitor_id,
        "member_id": bound.member_id,
        "points": 5,
        "decision": "granted",
        "decided_at": NOON,
    }
    with street.commit() as session:
        codes = range(shop.order.lo, shop.order.lo + HISTORY_LIMIT)
        session.execute(insert(Claim), [{"code_id": code_id, **values} for code_id in codes])
    text = phone.look(f"/m/{shop.brand.code}/").text
    assert "These are the last 100; older ones count, too." in text


def test_a_wallet_without_points_says_how_to_earn_some(phone: Phone, shop: Shop) -> None:
    text = phone.look(f"/m/{shop.brand.code}/").text
    assert "No points yet" in text
    assert "Scan the code on a product of ours to earn the first." in text


def test_no_brand_of_that_name_is_no_page(phone: Phone) -> None:
    for path in ("/m/nobody/", "/m/nobody/sign-in", "/m/%00/", "/m/nobody/sign-in/code"):
        assert phone.look(path).status == 404


def test_without_consent_nothing_is_sent_or_kept(
    street: Street, phone: Phone, shop: Shop, number: str
) -> None:
    before = _codes(street)
    page = _ask(phone, shop, number, consent=False)
    assert page.status == 400
    assert "Without this we can't keep your points for you." in page.text
    assert f'value="{number}"' in page.response.text
    assert _codes(street) == before
    assert "phone_to_confirm" not in _session(phone)


@pytest.mark.parametrize("typed", ["123", "not a number", "+", "１２", "\0" * 11, "9" * 500])
def test_a_number_that_can_get_no_message_is_refused_and_stays_typed(
    phone: Phone, shop: Shop, typed: str
) -> None:
    page = _ask(phone, shop, typed)
    assert page.status == 400
    assert "That is no mobile number we can use." in page.text
    assert typed[:3] in page.response.text
    assert " checked" in page.response.text


def test_errors_are_in_the_readers_language(street: Street, shop: Shop) -> None:
    form = {"phone": "123", "consent": "1"}
    answer = street.phone("zh").browser.submit(f"/m/{shop.brand.code}/sign-in", **form)
    assert "无法使用该手机号" in answer.text


def test_codes_asked_for_too_often_are_refused_with_the_time_to_wait(
    phone: Phone, shop: Shop, number: str
) -> None:
    assert _ask(phone, shop, number).status == 303
    page = _ask(phone, shop, number)
    assert page.status == 429
    assert "Ask for another in 60 seconds." in page.text
    assert f'value="{number}"' in page.response.text


def test_another_code_can_be_sent_after_a_minute_and_only_it_counts(
    phone: Phone, shop: Shop, number: str
) -> None:
    _ask(phone, shop, number)
    old = phone.code_sent(number)
    again = f"/m/{shop.brand.code}/sign-in/again"
    assert "Ask for another in 60 seconds." in _followed(phone, phone.browser.post(again)).text
    assert phone.code_sent(number) == old
    with clock.fixed(NOON + code.PAUSE):
        told = _followed(phone, phone.browser.post(again))
        assert "Another code is on its way." in told.text
        new = phone.code_sent(number)
        if new != old:  # one time in a million they are the same
            assert _confirm(phone, shop, old).status == 401
        assert _confirm(phone, shop, new).status == 303


def test_a_wrong_code_may_be_tried_again_a_few_times(phone: Phone, shop: Shop, number: str) -> None:
    _ask(phone, shop, number)
    right = phone.code_sent(number)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for left in range(code.ATTEMPTS_MOST - 1, 0, -1):
        page = _confirm(phone, shop, wrong)
        assert page.status == 401
        assert f"Attempts left: {left}." in page.text
    assert "That code no longer counts." in _confirm(phone, shop, wrong).text
    assert "That code no longer counts." in _confirm(phone, shop, right).text


def test_an_old_code_no_longer_counts(phone: Phone, shop: Shop, number: str) -> None:
    _ask(phone, shop, number)
    with clock.fixed(NOON + code.LIFE):
        page = _confirm(phone, shop, phone.code_sent(number))
    assert page.status == 401
    assert "That code no longer counts. Ask for a new one." in page.text
    assert "Send another code" in page.text


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "1234567", "\0\0\0\0\0\0"])
def test_what_has_not_six_digits_counts_as_no_attempt(
    phone: Phone, shop: Shop, number: str, typed: str
) -> None:
    _ask(phone, shop, number)
    for _ in range(code.ATTEMPTS_MOST + 1):
        page = _confirm(phone, shop, typed)
        assert page.status == 400
        assert "The code has six digits." in page.text
    right = phone.code_sent(number)
    assert _confirm(phone, shop, f" {right[:3]} {right[3:]} ").status == 303


def test_the_code_step_without_a_number_leads_back_to_the_first(phone: Phone, shop: Shop) -> None:
    start = f"/m/{shop.brand.code}/sign-in"
    for path in (f"{start}/code", f"{start}/again"):
        phone.browser.get(start)
        answer = phone.browser.post(path, code="123456")
        assert answer.location == start


def test_a_number_given_to_one_brand_is_not_confirmed_at_another(
    street: Street, phone: Phone, shop: Shop, number: str
) -> None:
    other = street.shop(1)
    _ask(phone, shop, number)
    answer = phone.client.get(f"/m/{other.brand.code}/sign-in/code")
    assert answer.location == f"/m/{other.brand.code}/sign-in"


def test_the_number_travels_unreadable_and_the_page_shows_it_masked(
    phone: Phone, shop: Shop, number: str
) -> None:
    page = _followed(phone, _ask(phone, shop, number).response)
    assert f"Sent to {number[:3]}****{number[-4:]}" in page.text
    assert number not in page.response.text
    assert number not in str(_session(phone))


def test_a_form_without_its_token_is_refused(phone: Phone, shop: Shop, number: str) -> None:
    answer = phone.client.post(
        f"/m/{shop.brand.code}/sign-in", data={"phone": number, "consent": "1"}
    )
    assert answer.status_code == 400
    assert "This form was open for too long." in answer.text


def test_after_sign_out_the_browser_is_a_new_visitor(phone: Phone, shop: Shop, number: str) -> None:
    phone.sign_in(shop.brand, number)
    path, wallet = shop.path(), f"/m/{shop.brand.code}/"
    page = phone.scan(path)
    before = phone.visitor()
    phone.browser.get(wallet)
    answer = phone.browser.post(f"{wallet}sign-out")
    assert answer.status_code == 303
    assert phone.visitor() != before
    assert "Sign in with my phone number" in phone.look(wallet).text
    assert phone.look(path).outcome == "again_near"
    assert "opened before you signed in or out" in phone.claim(page).text


def test_who_signs_in_as_somebody_else_gets_none_of_the_firsts_scans(
    street: Street, phone: Phone, shop: Shop, number: str
) -> None:
    phone.sign_in(shop.brand, number)
    phone.claim(phone.scan(shop.path()))
    before = phone.visitor()
    wallet = phone.sign_in(shop.brand, f"138{number[3:]}")
    assert phone.visitor() != before
    assert "No points yet" in wallet.text


def _ask(phone: Phone, shop: Shop, typed: str, consent: bool = True) -> Page:
    form = {"phone": typed, **({"consent": "1"} if consent else {})}
    return Page(phone.browser.submit(f"/m/{shop.brand.code}/sign-in", **form))


def _confirm(phone: Phone, shop: Shop, typed: str) -> Page:
    return Page(phone.browser.submit(f"/m/{shop.brand.code}/sign-in/code", code=typed))


def _followed(phone: Phone, answer: TestResponse) -> Page:
    return Page(phone.browser.get(answer.location))


def _codes(street: Street) -> int:
    return int(street.rows("SELECT count(*) AS n FROM one_time_code")[0].n)


def _session(phone: Phone) -> dict[str, object]:
    with phone.client.session_transaction() as kept:
        return dict(kept)


def _credit(street: Street) -> None:
    drain_topic(make_sessions(street.engine), handle_credit, "credit", seconds=20)
