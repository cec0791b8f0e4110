import json
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from antifraud.judge import DEFAULT_RULES
from codegen.activate import Batch, Numbers, activate, void
from core import clock
from identity import api_key
from tests import factories
from tests.factories import NOON
from tests.scanapp.shop import Phone, Shop, Street

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture(scope="module")
def key(street: Street, shop: Shop) -> str:
    """The key of the shop's own app."""
    with street.commit() as session:
        return api_key.issue(session, shop.brand.id, "app")[1]


@pytest.fixture
def app_phone(phone: Phone, key: str) -> "App":
    return App(phone, key)


class App:
    """The brand's own app on somebody's phone."""

    def __init__(self, phone: Phone, key: str) -> None:
        self.phone = phone
        self.key = key

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        sent = json.dumps({"visitor": "user-1"} if body is None else body)
        more.setdefault("content_type", "application/json")
        return self.phone.client.post(path, data=sent, headers=headers, **more)


def test_a_scan_tells_everything_that_the_page_would(app_phone: App, shop: Shop) -> None:
    answer = app_phone.post(shop.path())
    assert answer.status_code == 200
    assert answer.json == {
        "outcome": "first",
        "gtin": shop.product.gtin,
        "product": {"zh": "青梅酒", "en": "Plum wine"},
        "lot": "L1",
        "produced_on": None,
        "expires_on": None,
        "reason": None,
        "first_at": NOON.isoformat(),
        "first_region": None,
        "scans": 1,
        "verdict": "allow",
        "doubts": [],
        "claim": None,
        "offer_points": 5,
    }


def test_the_short_link_answers_the_same(app_phone: App, shop: Shop) -> None:
    serial = shop.take()
    assert _told(app_phone.post(f"/{serial.lower()}"))["outcome"] == "first"
    assert _told(app_phone.post(f"/{serial}/claim"))["claim"]["state"] == "granted"


@pytest.mark.parametrize(
    "form",
    ["/01/{gtin}/10/L1/21/{serial}", "/{serial}/", "/%2F{serial}", "/01/{gtin}//21/{serial}%0A"],
)
def test_a_code_in_any_dress_is_scanned_and_claimed(app_phone: App, shop: Shop, form: str) -> None:
    path = form.format(gtin=shop.product.gtin, serial=shop.take())
    told = _told(app_phone.post(path))
    assert (told["outcome"], told["doubts"]) == ("first", [])
    assert _told(app_phone.post(f"{path}/claim"))["claim"]["state"] == "granted"


def test_another_lot_in_the_link_is_a_doubt(app_phone: App, shop: Shop) -> None:
    told = _told(app_phone.post(f"/01/{shop.product.gtin}/10/FAKE-7/21/{shop.take()}"))
    assert (told["outcome"], told["verdict"], told["doubts"]) == ("first", "hold", ["other_lot"])


def test_numbers_of_products_and_cartons_are_told_apart_from_codes(
    app_phone: App, shop: Shop
) -> None:
    _problem(app_phone.post(f"/01/{shop.product.gtin}"), 400, "not_an_item")
    _problem(app_phone.post("/00/376104250021234569"), 400, "number_of_carton")
    _problem(app_phone.post("/00376104250021234569"), 400, "number_of_carton")


def test_a_scan_is_recorded_as_the_apps_with_its_region(
    street: Street, app_phone: App, shop: Shop
) -> None:
    serial = shop.take()
    app_phone.post(shop.path(serial), {"visitor": "user-1", "region": "330100"})
    [scan] = street.scans(shop.code_id(serial))
    assert (scan.door, scan.region_code, scan.region_source) == ("app", "330100", "app")


def test_a_position_in_either_datum_becomes_a_region(
    street: Street, app_phone: App, shop: Shop
) -> None:
    for datum in ("wgs84", "gcj02"):
        serial = shop.take()
        place = {"lat": 30.2741, "lon": 120.1551, "accuracy": 12.7, "datum": datum}
        answer = app_phone.post(shop.path(serial), {"visitor": "user-1", **place})
        assert _told(answer)["first_region"] == "330100"
        assert street.scans(shop.code_id(serial))[0].accuracy_m == 12


def test_an_alias_of_a_region_is_kept_under_its_one_code(app_phone: App, shop: Shop) -> None:
    answer = app_phone.post(shop.path(), {"visitor": "user-1", "region": "HK"})
    assert _told(answer)["first_region"] == "810000"


def test_scans_of_one_user_are_one_visitors_and_anothers_are_not(
    app_phone: App, shop: Shop
) -> None:
    path = shop.path()
    assert _told(app_phone.post(path, {"visitor": "ann"}))["outcome"] == "first"
    assert _told(app_phone.post(path, {"visitor": "ann"}))["outcome"] == "again_mine"
    with clock.fixed(NOON + timedelta(hours=2)):
        assert _told(app_phone.post(path, {"visitor": "bob"}))["outcome"] == "again_other"
        assert _told(app_phone.post(path, {"visitor": "ann"}))["scans"] == 3


def test_a_second_app_user_nearby_within_the_hour_is_told_calmly(
    app_phone: App, shop: Shop
) -> None:
    path = shop.path()
    app_phone.post(path, {"visitor": "ann", "region": "330100"})
    near = app_phone.post(path, {"visitor": "bob", "region": "330100"})
    far = app_phone.post(path, {"visitor": "eve", "region": "440100"})
    assert [_told(answer)["outcome"] for answer in (near, far)] == ["again_near", "again_other"]


def test_a_claim_is_decided_once(app_phone: App, shop: Shop) -> None:
    path = f"{shop.path()}/claim"
    first = _told(app_phone.post(path, {"visitor": "ann"}))["claim"]
    again = _told(app_phone.post(path, {"visitor": "ann"}))["claim"]
    other = _told(app_phone.post(path, {"visitor": "bob"}))["claim"]
    assert first == {"state": "granted", "points": 5, "reason": None, "repeated": False}
    assert again == {"state": "granted", "points": 5, "reason": None, "repeated": True}
    assert (other["state"], other["points"], other["reason"]) == ("taken", 0, "taken")


def test_a_refused_claim_names_its_reason(street: Street, phone: Phone) -> None:
    shop = street.shop(budget_points=4)
    with street.commit() as session:
        app = App(phone, api_key.issue(session, shop.brand.id, "app")[1])
    claim = _told(app.post(f"{shop.path()}/claim"))["claim"]
    assert (claim["state"], claim["reason"]) == ("refused", "exhausted")


def test_codes_that_are_not_on_sale_say_so(street: Street, app_phone: App, shop: Shop) -> None:
    brand_id = shop.brand.id
    with street.commit() as session:
        order = factories.order(session, shop.brand, 2, product_id=shop.product.id)
        activate(session, brand_id, order.id, Numbers(2, 2), Batch(), "test")
        void(session, brand_id, order.id, Numbers(2, 2), "Recalled", "test")
        issued, recalled = street.serials(session, order)
    assert _told(app_phone.post(f"/{issued}"))["outcome"] == "inactive"
    told = _told(app_phone.post(f"/{recalled}/claim"))
    assert (told["outcome"], told["reason"], told["claim"]) == ("void", "Recalled", None)


@pytest.mark.parametrize("shown", [None, "Bearer", "Bearer yk_00000000_", "Basic dTpw", "Bearer é"])
def test_without_a_key_nothing_is_answered_or_recorded(
    street: Street, phone: Phone, shop: Shop, shown: str | None
) -> None:
    serial = shop.take()
    headers = {"Authorization": shown} if shown else {}
    answer = phone.client.post(shop.path(serial), json={"visitor": "x"}, headers=headers)
    problem = _problem(answer, 401, "key_needed")
    assert "Authorization: Bearer yk_" in problem["detail"]
    assert street.scans(shop.code_id(serial)) == []


def test_a_form_instead_of_json_is_answered_in_json(phone: Phone, shop: Shop) -> None:
    _problem(phone.client.post(shop.path(), data={"visitor": "x"}), 401, "key_needed")


def test_the_schemes_name_may_be_written_in_any_case(phone: Phone, key: str, shop: Shop) -> None:
    headers = {"Authorization": f"bearer {key}"}
    answer = phone.client.post(shop.path(), json={"visitor": "x"}, headers=headers)
    assert answer.status_code == 200


def test_a_revoked_key_opens_nothing(street: Street, phone: Phone, shop: Shop) -> None:
    with street.commit() as session:
        issued, secret = api_key.issue(session, shop.brand.id, "lost")
    app = App(phone, secret)
    assert app.post(shop.path()).status_code == 200
    with street.commit() as session:
        api_key.revoke(session, shop.brand.id, issued.id)
    _problem(app.post(shop.path()), 401, "key_needed")


def test_another_brands_code_is_none_of_this_brands(street: Street, app_phone: App) -> None:
    other = street.shop(1)
    serial = other.take()
    _problem(app_phone.post(f"/{serial}"), 404, "forged_serial")
    assert street.scans(other.code_id(serial)) == []


def test_forged_and_malformed_codes_are_told_apart(
    street: Street, app_phone: App, shop: Shop
) -> None:
    serial = shop.take()
    with street.commit() as session:
        other = factories.product(session, shop.brand)
    _problem(app_phone.post(f"/{serial[::-1]}"), 404, "forged_serial")
    _problem(app_phone.post(f"/01/{other.gtin}/21/{serial}"), 404, "forged_serial")
    _problem(app_phone.post("/abc"), 400, "malformed_serial")
    _problem(app_phone.post(f"/01/1234/21/{serial}"), 400, "invalid_gtin")


def test_an_unknown_region_is_refused_in_words(street: Street, app_phone: App, shop: Shop) -> None:
    serial = shop.take()
    for region in ("999999", "", "Hangzhou", 330100, ["330100"], {"code": "330100"}, "\ud800"):
        answer = app_phone.post(shop.path(serial), {"visitor": "x", "region": region})
        problem = _problem(answer, 400, "bad_input")
        assert "The region is not one of our codes" in problem["detail"]
    assert street.scans(shop.code_id(serial)) == []


@pytest.mark.parametrize(
    "place",
    [
        {"lat": 90.1, "lon": 120},
        {"lat": 30, "lon": -181},
        {"lat": float("nan"), "lon": 120},
        {"lat": float("inf"), "lon": 120},
        {"lat": 10**400, "lon": 120},
        {"lat": "x", "lon": 120},
        {"lat": None, "lon": None},
        {"lat": [30], "lon": {}},
        {"lat": 30},
        {"lon": 120},
        {"lat": 30, "lon": 120, "accuracy": float("nan")},
        {"lat": 30, "lon": 120, "accuracy": "near"},
        {"lat": 30, "lon": 120, "datum": "bd09"},
        {"lat": 30, "lon": 120, "datum": ["wgs84"]},
    ],
)
def test_what_is_no_position_is_refused_and_nothing_recorded(
    street: Street, app_phone: App, shop: Shop, place: dict[str, Any]
) -> None:
    serial = shop.take()
    answer = app_phone.post(shop.path(serial), {"visitor": "x", **place})
    _problem(answer, 400, "bad_input")
    assert street.scans(shop.code_id(serial)) == []


def test_a_place_at_sea_is_unknown_and_an_accuracy_below_zero_is_none(
    street: Street, app_phone: App, shop: Shop
) -> None:
    at_sea = app_phone.post(shop.path(), {"visitor": "x", "lat": 0, "lon": -150})
    assert _told(at_sea)["first_region"] is None
    serial = shop.take()
    app_phone.post(shop.path(serial), {"visitor": "x", "lat": 30, "lon": 120, "accuracy": -7})
    assert street.scans(shop.code_id(serial))[0].accuracy_m is None


@pytest.mark.parametrize("visitor", [None, "", 7, "x" * 129, ["x"], {"a": 1}, True])
def test_a_visitor_without_a_usable_name_is_refused(
    app_phone: App, shop: Shop, visitor: Any
) -> None:
    problem = _problem(app_phone.post(shop.path(), {"visitor": visitor}), 400, "bad_input")
    assert "1 to 128 letters" in problem["detail"]


def test_names_with_nul_and_lone_surrogates_are_names_of_their_own(
    app_phone: App, shop: Shop
) -> None:
    path = shop.path()
    outcomes = [
        _told(app_phone.post(path, {"visitor": name}))["outcome"]
        for name in ("\ud800", "\udfff", "?", "\0", "\ud800")
    ]
    assert outcomes == ["first", "again_other", "again_other", "again_other", "again_mine"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"\xff\xfe",
        b"\0",
        b'{"visitor": NaN',
        b"[" * 16_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(app_phone: App, shop: Shop, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {app_phone.key}"}
    answer = app_phone.phone.client.post(
        shop.path(), data=body, headers=headers, content_type="application/json"
    )
    problem = _problem(answer, 400, "bad_input")
    assert problem["detail"] == "Send a JSON object."


def test_json_under_another_name_is_refused(app_phone: App, shop: Shop) -> None:
    answer = app_phone.phone.client.post(
        shop.path(),
        data=json.dumps({"visitor": "x"}),
        headers={"Authorization": f"Bearer {app_phone.key}"},
        content_type="text/plain",
    )
    _problem(answer, 400, "bad_input")


def test_a_body_beyond_all_bounds_is_too_large(app_phone: App, shop: Shop) -> None:
    for size in (20_000, 2_000_000):
        body = {"visitor": "x", "more": "y" * size}
        _problem(app_phone.post(shop.path(), body), 413, "http_413")


def test_guessing_from_one_address_makes_its_scans_suspect(
    street: Street, app_phone: App, shop: Shop
) -> None:
    for number in range(20):
        app_phone.post(f"/1{number:019d}")
    street.refresh()
    assert _told(app_phone.post(shop.path()))["verdict"] == "hold"


def _told(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def _problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document (RFC 9457) of a refusal."""
    assert answer.content_type == "application/problem+json", answer.text
    told = json.loads(answer.text)
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert told["title"]
    assert told["request_id"] == answer.headers["X-Request-Id"]
    return dict(told)


def test_one_user_who_mistypes_holds_up_none_of_the_apps_others(
    street: Street, app_phone: App, shop: Shop
) -> None:
    serial = shop.take()
    for _ in range(DEFAULT_RULES.forged_attempts_hold + 1):
        app_phone.post(f"/{serial[::-1]}", {"visitor": "forger"})
        app_phone.post("/no-serial-at-all", {"visitor": "clumsy"})
    street.app.extensions["process"].forged.flush()
    states = {
        user: app_phone.post(f"{shop.path()}/claim", {"visitor": user}).json["claim"]["state"]
        for user in ("forger", "clumsy", "bystander")
    }
    assert states == {"forger": "held", "clumsy": "granted", "bystander": "granted"}


@pytest.mark.parametrize("field", ["lat", "lon", "accuracy"])
def test_a_truth_value_is_no_position(app_phone: App, shop: Shop, field: str) -> None:
    body = {"visitor": "x", "lat": 30.2, "lon": 120.1, "accuracy": 10, field: True}
    _problem(app_phone.post(shop.path(), body), 400, "bad_input")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_json_is_utf_8(app_phone: App, shop: Shop, encoding: str) -> None:
    sent = json.dumps({"visitor": "x"}).encode(encoding)
    answer = app_phone.phone.client.post(
        shop.path(),
        data=sent,
        headers={"Authorization": f"Bearer {app_phone.key}"},
        content_type="application/json",
    )
    _problem(answer, 400, "bad_input")
