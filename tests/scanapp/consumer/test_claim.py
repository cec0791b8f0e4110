from datetime import timedelta

import pytest

from antifraud.judge import DEFAULT_RULES
from core import clock
from rewards import campaign as campaigns
from rewards.settle import settle
from scanapp.consumer.visitor import CLAIM_SECONDS
from tests import factories
from tests.factories import NOON
from tests.scanapp.shop import Phone, Shop, Street
from traceability.pack import pack_as_printed

pytestmark = pytest.mark.usefixtures("noon")


def test_the_page_offers_the_points_and_names_the_campaign(phone: Phone, shop: Shop) -> None:
    page = phone.scan(shop.path())
    assert page.claim == "offered"
    assert "Open and win" in page.text
    assert "Claim 5 points" in page.text
    assert "no phone number is needed now" in page.text


def test_points_claimed_before_sign_in_wait_in_the_browser(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    page = phone.claim(phone.scan(shop.path(serial)))
    assert (page.status, page.claim) == (200, "waiting")
    assert "They wait in this browser until you sign in" in page.text
    [claim] = _claims(street, shop, serial)
    assert (claim.decision, claim.points, claim.member_id) == ("granted", 5, None)


def test_points_claimed_after_sign_in_are_the_members(
    street: Street, phone: Phone, shop: Shop
) -> None:
    phone.sign_in(shop.brand, "13900000101")
    serial = shop.take()
    offer = phone.scan(shop.path(serial))
    assert "They go to your account" in offer.text
    page = phone.claim(offer)
    assert page.claim == "granted"
    assert "The points are yours" in page.text
    [claim] = _claims(street, shop, serial)
    assert claim.member_id is not None
    owed = street.rows("SELECT payload FROM outbox WHERE topic = 'credit' ORDER BY id DESC LIMIT 1")
    assert owed[0].payload["codes"] == [shop.code_id(serial)]


def test_a_claim_counts_as_the_scan_when_the_image_did_not_come_through(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    phone.claim(phone.look(shop.path(serial)))
    assert [scan.outcome for scan in street.scans(shop.code_id(serial))] == ["first"]


def test_claiming_again_changes_nothing_and_answers_the_same(
    street: Street, phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    page = phone.scan(shop.path(serial))
    first = phone.claim(page)
    before = _claims(street, shop, serial)
    again = phone.claim(page)
    assert (again.claim, again.text) == (first.claim, first.text)
    assert _claims(street, shop, serial) == before


def test_an_item_claimed_by_somebody_else_is_taken(street: Street, shop: Shop) -> None:
    path, other = shop.path(), street.phone()
    early = other.scan(path)
    winner = street.phone()
    winner.claim(winner.scan(path))
    page = other.claim(early)
    assert page.claim == "taken"
    assert "Somebody else has claimed these points" in page.text


def test_without_a_campaign_no_points_are_offered_or_given(street: Street) -> None:
    shop, phone = street.shop(has_campaign=False), street.phone()
    page = phone.scan(shop.path())
    assert (page.outcome, page.claim) == ("first", None)
    assert "There is no campaign for this product at the moment." in phone.claim(page).text


@pytest.mark.parametrize(
    ("campaign", "told"),
    [
        ({"ends_at": NOON - timedelta(hours=1)}, "The campaign for this product has ended."),
        ({"starts_at": NOON + timedelta(days=1)}, "has not started yet"),
        ({"budget_points": 4}, "All points of this campaign have been given out."),
    ],
)
def test_a_refusal_says_why(street: Street, campaign: dict[str, object], told: str) -> None:
    shop, phone = street.shop(**campaign), street.phone()
    serial = shop.take()
    page = phone.claim(phone.scan(shop.path(serial)))
    assert page.claim == "refused"
    assert told in page.text
    assert _claims(street, shop, serial) == []


def test_a_campaign_stopped_while_the_page_was_open_has_ended(street: Street) -> None:
    shop, phone = street.shop(), street.phone()
    page = phone.scan(shop.path())
    assert shop.campaign is not None
    with street.commit() as session:
        campaigns.stop(session, shop.brand.id, shop.campaign.id)
    assert "The campaign for this product has ended." in phone.claim(page).text


def test_goods_supplied_to_another_area_are_refused_by_the_published_rules(street: Street) -> None:
    shop = street.shop(area_codes=["440000"])
    with street.commit() as session:
        cartons = factories.cartons(session, shop.brand, 1)
        east = factories.site(session, shop.brand, region_code="330100")
        pack_as_printed(
            session,
            brand_id=shop.brand.id,
            items_order_id=shop.order.id,
            cartons_order_id=cartons.id,
            first_item=1,
            quantity_per_carton=12,
            cartons=1,
            site_id=east.id,
            key="packed",
            actor="line",
        )
    phone = street.phone()
    page = phone.claim(phone.scan(shop.path()))
    assert "The campaign is for products supplied to other areas." in page.text


def test_the_days_limit_is_told_and_open_again_tomorrow(street: Street) -> None:
    shop, phone = street.shop(daily_limit=1), street.phone()
    first, second = shop.path(), shop.path()
    assert phone.claim(phone.scan(first)).claim == "waiting"
    page = phone.claim(phone.scan(second))
    assert page.claim == "refused"
    assert "Enough for today" in page.text
    assert "Claim this one tomorrow: it stays open." in page.text
    with clock.fixed(NOON + timedelta(days=1)):
        assert phone.claim(phone.scan(second)).claim == "waiting"


def test_the_rules_of_the_offer_can_be_read(street: Street) -> None:
    ends_at = NOON + timedelta(days=10)
    shop = street.shop(daily_limit=3, ends_at=ends_at, area_codes=["330000", "440100"])
    rules = street.phone().look(shop.path()).text
    assert "Until 30 Nov 2026, 20:00." in rules
    assert "At most 3 claims per person and day." in rules
    assert "For products supplied to: Zhejiang, Guangzhou, Guangdong." in rules


def test_too_many_items_in_a_short_time_are_held_until_the_brand_decides(street: Street) -> None:
    shop, phone = street.shop(), street.phone()
    phone.sign_in(shop.brand, "13900000102")
    for _ in range(DEFAULT_RULES.window_scans_hold):
        phone.scan(shop.path())
    serial = shop.take()
    offer = phone.scan(shop.path(serial))
    assert "Unusual checks from this phone or network" in offer.text
    page = phone.claim(offer)
    assert page.claim == "held"
    assert "5 points are being checked" in page.text
    assert "On hold" in phone.look(f"/m/{shop.brand.code}/").text
    with street.commit() as session:
        settle(session, shop.brand.id, shop.code_id(serial), False, "marketer")
    refused = phone.look(shop.path(serial))
    assert refused.claim == "refused"
    assert "The brand has checked this claim and turned it down." in refused.text


def test_an_address_that_guesses_codes_has_its_claims_held(street: Street, shop: Shop) -> None:
    phone = street.phone()
    for number in range(DEFAULT_RULES.forged_attempts_hold):
        phone.look(f"/1{number:019d}")
    street.refresh()
    assert phone.claim(phone.scan(shop.path())).claim == "held"


@pytest.mark.parametrize("path", ["/claim", "/place"])
@pytest.mark.parametrize("ticket", ["", "forged", "W10.aaaaaa.bbbbbb", "\0", "é" * 3000])
def test_a_ticket_that_is_none_of_ours_is_refused_in_words(
    phone: Phone, shop: Shop, path: str, ticket: str
) -> None:
    phone.scan(shop.path())
    answer = phone.client.post(path, data={"ticket": ticket, "lat": "30", "lon": "120"})
    assert answer.status_code == 400
    assert "Scan the code again, then claim your points." in answer.text


def test_an_old_ticket_is_refused(phone: Phone, shop: Shop) -> None:
    page = phone.scan(shop.path())
    with clock.fixed(NOON + timedelta(seconds=CLAIM_SECONDS + 1)):
        assert "This page was open for too long." in phone.claim(page).text


def test_another_visitors_ticket_claims_nothing(street: Street, shop: Shop) -> None:
    serial = shop.take()
    page = street.phone().scan(shop.path(serial))
    thief = street.phone()
    thief.look(shop.path())
    assert "This page was opened before you signed in or out." in thief.claim(page).text
    assert _claims(street, shop, serial) == []


def test_a_browser_that_keeps_no_cookie_is_told_so(street: Street, shop: Shop) -> None:
    page = street.phone().scan(shop.path())
    told = street.phone().claim(page)
    assert told.status == 400
    assert "Your browser did not keep our cookie" in told.text


def test_the_claim_leads_back_to_the_page_in_the_form_that_was_scanned(
    phone: Phone, shop: Shop
) -> None:
    serial = shop.take()
    for path in (f"/{serial}", shop.path(serial)):
        page = phone.scan(path)
        answer = phone.client.post("/claim", data={"ticket": page.ticket})
        assert (answer.status_code, answer.location) == (303, path)


def test_a_reason_made_up_in_the_address_is_not_shown(phone: Phone, shop: Shop) -> None:
    page = phone.look(f"{shop.path()}?refused=call+0900-123")
    assert page.claim == "offered"
    assert "0900" not in page.text


def _claims(street: Street, shop: Shop, serial: str) -> list[tuple[object, ...]]:
    query = "SELECT * FROM claim WHERE code_id = :code"
    return street.rows(query, code=shop.code_id(serial))
