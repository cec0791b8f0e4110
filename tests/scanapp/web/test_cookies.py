from http.cookies import SimpleCookie

import pytest
from werkzeug.test import TestResponse

from tests.scanapp.shop import Phone, Shop, Street


def cookies(answer: TestResponse) -> SimpleCookie:
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        found.load(line)
    return found


@pytest.mark.parametrize("is_secure", [True, False])
def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(
    street: Street, shop: Shop, is_secure: bool
) -> None:
    client = street.app_with(cookie_secure=is_secure).test_client()
    base = f"http{'s' * is_secure}://localhost"
    seen: SimpleCookie = SimpleCookie()
    for path in (f"{shop.path()}?lang=en", f"/m/{shop.brand.code}/sign-in", "/console/sign-in"):
        seen.update(cookies(client.get(path, base_url=base)))
    assert set(seen) == {"yima_visitor", "yima_language", "yima_consumer", "yima_console"}
    for cookie in seen.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert bool(cookie["secure"]) == is_secure


def test_each_door_has_a_session_cookie_of_its_own_path(phone: Phone, shop: Shop) -> None:
    paths = {
        "/console/sign-in": ("yima_console", "/console"),
        "/portal/sign-in": ("yima_portal", "/portal"),
        f"/m/{shop.brand.code}/sign-in": ("yima_consumer", "/"),
    }
    for path, (name, cookie_path) in paths.items():
        found = cookies(phone.client.get(path))
        assert found[name]["path"] == cookie_path


def test_one_doors_session_is_nobodys_at_another(phone: Phone) -> None:
    phone.browser.get("/console/sign-in")
    console = phone.client.get_cookie("yima_console", path="/console")
    assert console is not None
    phone.client.set_cookie("yima_portal", console.value, path="/portal")
    answer = phone.client.get("/portal/")
    assert answer.status_code == 302
    assert "/portal/sign-in" in answer.location


def test_the_visitor_stays_the_same_from_page_to_page(phone: Phone, shop: Shop) -> None:
    phone.look(shop.path())
    before = phone.visitor()
    answer = phone.look(shop.path())
    assert phone.visitor() == before
    assert "yima_visitor" not in cookies(answer.response)


@pytest.mark.parametrize("value", ["", "x", "ImFiYyI.AAAA", "é", "\x7f", "a" * 4000])
def test_a_visitor_that_we_did_not_sign_is_a_new_one(phone: Phone, shop: Shop, value: str) -> None:
    phone.client.set_cookie("yima_visitor", value)
    answer = phone.look(shop.path())
    assert answer.status == 200
    assert "yima_visitor" in cookies(answer.response)


def test_a_scan_needs_no_session(phone: Phone, shop: Shop) -> None:
    assert set(cookies(phone.look(shop.path()).response)) == {"yima_visitor"}
