import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from antifraud.models import Finding
from codegen import keys
from codegen.activate import Numbers, void
from codegen.gs1 import sscc
from codegen.printing import code_list
from codegen.product import correct_gtin
from codegen.queries import products
from codegen.serial import seal
from core import clock
from core.errors import BadInput
from core.regions.tree import RegionTree
from rewards.models import Claim
from scanapp.office.dossier import Signature, as_json, dossier, pseudonym
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser
from traceability.models import Carton, Scan, Sighting
from traceability.ship import ship
from traceability.territory import grant

REGIONS = RegionTree.shipped()
CHENGDU = "510100"


def look_up(browser: Browser, text: str) -> TestResponse:
    return browser.get("/console/look-up", query_string={"code": text})


def scanned_far_away(commit: Commit, trade: Trade, visitor: UUID) -> int:
    """Item 1 went to the dealer in its carton, and was first scanned in Chengdu."""
    code_id = trade.items.lo
    hour_ago = clock.now() - timedelta(hours=1)
    with commit() as session:
        grant(
            session,
            brand_id=trade.brand.id,
            distributor_id=trade.dealer.id,
            region_code="330000",
            valid_from=hour_ago - timedelta(days=1),
        )
        ship(
            session,
            brand_id=trade.brand.id,
            key="out",
            document="DN-7",
            from_site_id=trade.plant.id,
            to_site_id=trade.shop.id,
            codes=[(trade.cartons.lo, trade.cartons.lo + 1)],
            actor="clerk",
        )
        place: dict[str, Any] = {"region_code": CHENGDU, "region_source": "browser"}
        about: dict[str, Any] = {
            "at": clock.now(),
            "brand_id": trade.brand.id,
            "code_id": code_id,
            "visitor_id": visitor,
            **place,
        }
        session.add(Scan(outcome="first", verdict="allow", door="page", **about))
        flow = {"distributor_id": trade.dealer.id, "product_id": trade.product.id}
        judged = {"in_territory": False, "resolved_at": clock.now()}
        session.add(Sighting(carton_id=trade.cartons.lo, **about, **flow, **judged))
        campaign = factories.campaign(session, trade.brand)
        session.add(
            Claim(
                code_id=code_id,
                brand_id=trade.brand.id,
                campaign_id=campaign.id,
                visitor_id=visitor,
                points=5,
                decision="granted",
                decided_at=clock.now(),
            )
        )
        session.add(
            Finding(
                brand_id=trade.brand.id,
                **flow,
                region_code=CHENGDU,
                status="open",
                opened_at=clock.now(),
                updated_at=clock.now(),
                placed_scans=40,
                off_scans=9,
                expected_scans=0.2,
                log10_e_value=5.0,
                coherent_cartons=1,
                evidence={},
            )
        )
    return code_id


@pytest.mark.parametrize("form", ["{serial}", " {lower} ", "HTTPS://YIMA.EXAMPLE/{serial}"])
def test_a_serial_or_link_of_ours_is_said_to_be_right(
    admin: Browser, trade: Trade, form: str
) -> None:
    serial = trade.serial(trade.items, 5)
    page = look_up(admin, form.format(serial=serial, lower=serial.lower()))
    assert page.status_code == 200
    assert "The signature is right" in page.text
    assert "</a> #5" in page.text
    assert "Plum wine" in page.text


@pytest.mark.parametrize("form", ["{name}#13", "{name} # 13", " {name}＃13"])
def test_an_orders_number_is_looked_up_and_the_label_not_said_to_be_right(
    admin: Browser, trade: Trade, form: str
) -> None:
    page = look_up(admin, form.format(name=trade.items.external_id))
    assert "Found by its number" in page.text
    assert "signature is right" not in page.text
    assert f"{trade.cartons.external_id} #2</a>" in page.text


def test_a_carton_is_looked_up_by_its_sscc(admin: Browser, commit: Commit, trade: Trade) -> None:
    number, unknown = sscc(0, "6901234", 1), sscc(0, "6901234", 2)
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    with commit() as session:
        carton = session.get_one(Carton, (trade.brand.id, trade.cartons.lo + 2))
        carton.sscc = number
    for text in (
        f"(00){number}",
        f"00{number}",
        f"]C100{number}",
        f"https://id.gs1.org/00/{number}",
    ):
        page = look_up(admin, text)
        assert page.status_code == 200
        assert "</a> #3" in page.text
    assert look_up(admin, unknown).status_code == 404
    assert "must be" in look_up(admin, mistyped).text


def test_everything_about_an_item_is_on_the_page(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    visitor = uuid4()
    scanned_far_away(commit, trade, visitor)
    page = look_up(admin, trade.serial(trade.items, 1)).text
    for told in (
        "On the way to",
        "East Trading",
        "DN-7",
        f"{trade.cartons.external_id} #1</a>",
        "Zhejiang",
        "Chengdu, Sichuan",
        "Outside the territory",
        "the browser, with consent",
        "first check",
        "Packed, with its carton",
        "Activated",
        "Finding ",
    ):
        assert told in page


def test_the_page_holds_no_visitor_only_a_pseudonym(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    visitor = uuid4()
    scanned_far_away(commit, trade, visitor)
    page = look_up(admin, trade.serial(trade.items, 1)).text
    assert page.count(f"Person {pseudonym(visitor)}") == 2
    assert str(visitor) not in page
    assert visitor.hex[:6] not in page


def test_findings_are_shown_to_those_who_may_see_them(
    warehouse: Browser, commit: Commit, trade: Trade
) -> None:
    scanned_far_away(commit, trade, uuid4())
    page = look_up(warehouse, trade.serial(trade.items, 1)).text
    assert "Outside the territory" in page
    assert "/console/findings/" not in page


def test_a_forged_serial_is_said_to_be_forged(admin: Browser, trade: Trade) -> None:
    serial = trade.serial(trade.items, 5)
    forged = serial[:-1] + ("0" if serial[-1] != "0" else "1")
    page = look_up(admin, forged)
    assert page.status_code == 200
    assert "issue this code" in page.text
    assert trade.items.external_id not in page.text


def test_another_brands_code_shows_nothing_of_it(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        theirs = factories.order(session, factories.brand(session), external_id="THEIRS")
    page = look_up(admin, trade.serial(theirs, 1)).text
    assert "A genuine code of another brand" in page
    assert "THEIRS" not in page
    assert look_up(admin, "THEIRS#1").status_code == 404


def test_a_revoked_key_is_named_as_the_reason(admin: Browser, commit: Commit, trade: Trade) -> None:
    serial = trade.serial(trade.items, 5)
    with commit() as session:
        keys.revoke(session, trade.brand.id, trade.items.key_id)
    assert "Made with a withdrawn key" in look_up(admin, serial).text


def test_a_number_that_was_never_ordered_is_an_alarm(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        codes = code_list(session, trade.items, factories.KEK)
    serial = seal(codes.keys, (1 << 32) - 1)
    page = look_up(admin, serial).text
    assert "Never ordered" in page
    assert "signature is right, but no order has this number" in page


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://evil.example/{serial}", "names another host"),
        ("https://yima.example/01/06901234567892/21/{serial}", "names another product"),
        ("(01)06901234567892(10)OTHER(21){serial}", "names another lot"),
    ],
)
def test_a_link_that_was_not_printed_so_is_doubted(
    admin: Browser, trade: Trade, link: str, told: str
) -> None:
    page = look_up(admin, link.format(serial=trade.serial(trade.items, 5))).text
    assert "The signature is right" in page
    assert told in page


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("hello", 400, "A serial has 20 letters and digits"),
        ("6901234567892", 400, "is a product"),
        ("6.90123E+12", 400, "spreadsheet"),
        ("x" * 3000, 400, "Type a serial"),
        ("a\x00b", 400, "A serial has 20"),
        ("PO-NONE#1", 404, "no such order"),
        ("{items}#0", 400, "It has the numbers 1 to 100"),
        ("{items}#101", 400, "It has the numbers 1 to 100"),
    ],
)
def test_what_is_no_code_is_refused_in_words(
    admin: Browser, trade: Trade, text: str, status: int, told: str
) -> None:
    page = look_up(admin, text.format(items=trade.items.external_id))
    assert page.status_code == status
    assert told in page.text


def test_looking_up_needs_to_be_signed_in(client: FlaskClient, trade: Trade) -> None:
    page = client.get("/console/look-up", query_string={"code": f"{trade.items.external_id}#1"})
    assert page.status_code == 302
    assert "/console/sign-in" in page.location


def test_distributors_stay_outside(
    client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade
) -> None:
    clerk = sign_in(client, "distributor", distributor_id=trade.dealer.id)
    assert look_up(clerk, f"{trade.items.external_id}#1").status_code == 302


def ring(engine: Any) -> keys.KeyRing:
    return keys.KeyRing(sessionmaker(engine), factories.KEK)


def test_a_dossier_is_plain_json_without_personal_data(commit: Commit, trade: Trade) -> None:
    visitor = uuid4()
    scanned_far_away(commit, trade, visitor)
    with Session(trade.engine) as session:
        serial = trade.serial(trade.items, 1)
        found = dossier(session, ring(trade.engine), REGIONS, serial, None)
        written = json.dumps(as_json(found), ensure_ascii=False)
    told = json.loads(written)
    assert told["signature"] == "right"
    assert told["code"]["number"] == 1
    assert told["custody"]["site_name"] == "Shop"
    assert told["carton"]["quantity"] == 12
    assert told["should_sell"]["distributor_name"] == "East Trading"
    assert [place["code"] for place in told["territories"]] == ["330000"]
    assert told["first_scan"]["in_territory"] is False
    assert told["claim"]["points"] == 5
    kinds = [moment["kind"] for moment in told["timeline"]]
    assert kinds == ["ordered", "activate", "packing", "shipping", "scan", "claim"]
    assert str(visitor) not in written


def test_a_dossier_of_any_brand_needs_a_serial(trade: Trade) -> None:
    with Session(trade.engine) as session, pytest.raises(BadInput, match="Say which brand"):
        dossier(session, ring(trade.engine), REGIONS, f"{trade.items.external_id}#1", None)


def test_the_reason_of_a_void_code_is_told(admin: Browser, commit: Commit, trade: Trade) -> None:
    with commit() as session:
        void(session, trade.brand.id, trade.items.id, Numbers(5, 5), "Glass splinters", "qa")
    with Session(trade.engine) as session:
        serial = trade.serial(trade.items, 5)
        found = dossier(session, ring(trade.engine), REGIONS, serial, trade.brand.id)
        assert found.signature is Signature.RIGHT
        assert as_json(found)["code"]["reason"] == "Glass splinters"
    assert "Glass splinters" in look_up(admin, serial).text


def test_a_link_with_a_gtin_that_was_corrected_is_not_doubted(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    serial = trade.serial(trade.items, 5)
    with commit() as session:
        [product] = products(session, trade.brand.id)
        old = product.gtin
        correct_gtin(
            session, trade.brand.id, product.id, "06901234567892", reason="wrong", actor="Mei"
        )
    for gtin in (old, "06901234567892"):
        assert "names another product" not in look_up(admin, f"(01){gtin}(21){serial}").text
