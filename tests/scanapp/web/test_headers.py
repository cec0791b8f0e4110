import ipaddress
import re
from dataclasses import replace
from pathlib import Path

import pytest

import scanapp
from core.settings import Settings
from tests.scanapp.opened import opened
from tests.scanapp.shop import Phone, Shop, Street

ROOT = Path(scanapp.__path__[0])
TEMPLATES = sorted(ROOT.rglob("templates/**/*.html"))
SCRIPTS = sorted(ROOT.glob("static/*.js"))
# A tag with an attribute that the policy forbids: style="…", onclick="…".
INLINE = re.compile(r"<[a-z][^>]*\s(style|on[a-z]+)\s*=", re.IGNORECASE)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_template_has_style_or_script_of_its_own(file: Path) -> None:
    text = file.read_text("utf-8")
    assert INLINE.search(text) is None
    assert "<style" not in text
    assert "javascript:" not in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_script_makes_code_or_style_from_text(file: Path) -> None:
    text = file.read_text("utf-8")
    for forbidden in ("eval(", "new Function", "innerHTML", "document.write", ".cssText"):
        assert forbidden not in text


def test_every_answer_says_what_a_page_may_load_and_who_may_frame_it(
    phone: Phone, shop: Shop
) -> None:
    page = phone.look(shop.path())
    answers = [
        page.response,
        phone.client.get(page.beacon),
        phone.client.post("/claim", data={"ticket": page.ticket}),
        phone.client.get("/no/such/page"),
        phone.client.put("/claim"),
        phone.client.get("/static/yima.css"),
        phone.client.get("/console/"),
        phone.client.get("/portal/sign-in"),
        phone.client.post(shop.path(), json={}),
        phone.client.get(f"/m/{shop.brand.code}"),
    ]
    assert {answer.status_code for answer in answers} == {200, 302, 303, 308, 401, 404, 405}
    for answer in answers:
        policy = answer.headers.getlist("Content-Security-Policy")
        assert len(policy) == 1
        rules = dict(rule.split(" ", 1) for rule in policy[0].split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == "'self'"
        assert rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in policy[0]
        assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert re.fullmatch("[0-9a-f]{12}", answer.headers["X-Request-Id"])


def test_no_request_has_anothers_number(phone: Phone) -> None:
    numbers = {phone.client.get("/").headers["X-Request-Id"] for _ in range(20)}
    assert len(numbers) == 20


@pytest.mark.parametrize(
    ("trusted", "told", "is_taken"),
    [
        ("127.0.0.1", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", True),
        ("127.0.0.1", "6f2f6a53-4a7b-4a4e-9d0c-7d3f0a1f9c11", True),
        ("10.0.0.1", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", False),
        ("127.0.0.1", "short", False),
        ("127.0.0.1", "x" * 65, False),
        ("127.0.0.1", "two words", False),
        ("127.0.0.1", '{"a":"line"}', False),
    ],
)
def test_a_trusted_proxy_names_the_request_if_well_formed(
    settings: Settings, trusted: str, told: str, is_taken: bool
) -> None:
    networks = (ipaddress.ip_network(trusted),)
    with opened(replace(settings, trusted_proxies=networks)) as app:
        answer = app.test_client().get("/healthz", headers={"X-Request-Id": told})
    assert len(answer.headers.getlist("X-Request-Id")) == 1
    assert (answer.headers["X-Request-Id"] == told) == is_taken


def test_what_is_about_a_person_is_kept_by_no_cache(phone: Phone, shop: Shop) -> None:
    for path in (shop.path(), f"/m/{shop.brand.code}/", "/no/such/page"):
        answer = phone.client.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Cookie" in ", ".join(answer.headers.getlist("Vary"))
    assert phone.client.get("/static/yima.css").headers["Cache-Control"] != "no-store"


def test_a_page_loads_nothing_from_elsewhere(street: Street, shop: Shop) -> None:
    page = street.phone().look(shop.path())
    loaded = re.findall(r'(?:src|href|action)="([^"]+)"', page.response.text)
    assert loaded
    assert all(address.startswith(("/", "?", "#")) for address in loaded)
