import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import clock
from core.outbox import OutboxRow
from identity import api_key
from identity.models import ApiKey, Distributor, Operator, Site
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser
from traceability.models import Territory

SET_UP = "/console/set-up"
SITE = {"code": "W1", "name": "Warehouse 1", "kind": "warehouse", "region": "330100",
        "distributor": "", "channel": ""}  # fmt: skip


def test_a_distributor_is_added_and_led_on_to_its_territory(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    page = admin.submit(SET_UP, code="HZ01", name="Hangzhou  Trading")
    with commit() as session:
        added = session.query(Distributor).filter_by(code="HZ01").one()
    assert added.name == "Hangzhou Trading"
    assert page.location == f"{SET_UP}/territories?distributor={added.id}"
    assert "none: add one" in admin.get(SET_UP).text


def test_a_code_in_use_is_refused_with_what_was_typed(admin: Browser, trade: Trade) -> None:
    page = admin.submit(SET_UP, code=trade.dealer.code, name="Somebody else")
    assert page.status_code == 409
    assert 'value="Somebody else"' in page.text


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("330100", "330100"), ("杭州", "330100"), ("Suzhou, Jiangsu", "320500"), ("HK", "810000"),
     ("330100 浙江 杭州", "330100"), ("浙江杭州", "330100"), ("浙江 杭州", "330100")],
)  # fmt: skip
def test_a_site_is_added_in_a_region_typed_by_code_or_name(
    admin: Browser, commit: Commit, typed: str, stored: str
) -> None:
    page = admin.submit(f"{SET_UP}/sites", **SITE | {"region": typed})
    assert page.status_code == 303
    with commit() as session:
        assert session.query(Site).one().region_code == stored


def test_a_name_of_several_regions_asks_which_one(admin: Browser, commit: Commit) -> None:
    page = admin.submit(f"{SET_UP}/sites", **SITE | {"region": "吉林"})
    assert page.status_code == 400
    assert '<option value="220000">' in page.text
    assert '<option value="220200">' in page.text
    assert 'value="Warehouse 1"' in page.text
    assert admin.post(f"{SET_UP}/sites", **SITE | {"region": "220200"}).status_code == 303
    with commit() as session:
        assert session.query(Site).one().region_code == "220200"


@pytest.mark.parametrize(
    "wrong",
    [{"region": "Atlantis"}, {"region": ""}, {"kind": "castle"}, {"channel": "moon"},
     {"distributor": "999999"}, {"kind": "distributor"}, {"code": "a b"}, {"name": "\0"}],
)  # fmt: skip
def test_a_site_with_something_wrong_is_not_added(
    admin: Browser, commit: Commit, wrong: dict[str, str]
) -> None:
    page = admin.submit(f"{SET_UP}/sites", **SITE | wrong)
    assert page.status_code in (400, 404)
    assert 'role="alert"' in page.text
    with commit() as session:
        assert session.query(Site).count() == 0


def territory(trade: Trade, **more: str) -> dict[str, str]:
    return {"distributor": str(trade.dealer.id), "region": "浙江", "product": "", "channel": "",
            "valid_from": "2026-01-01", "valid_to": "", **more}  # fmt: skip


def test_a_territory_is_granted_shown_and_ended(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    path = f"{SET_UP}/territories"
    assert admin.submit(path, **territory(trade)).status_code == 303
    assert "Zhejiang" in admin.get(SET_UP).text
    with commit() as session:
        granted = session.query(Territory).one()
        assert granted.region_code == "330000"
        judged_again = session.query(OutboxRow).filter_by(topic="trace").all()
        assert [trade.dealer.id] in [row.payload.get("distributors") for row in judged_again]
    assert admin.post(f"{path}/{granted.id}/end").status_code == 303
    with commit() as session:
        ended = session.query(Territory).one().valid_to
        assert ended is not None
        assert abs(ended - clock.now()) < timedelta(minutes=5)
    assert "Ended" in admin.get(path).text


def test_others_territories_and_companies_are_out_of_reach(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    with commit() as session:
        stranger = factories.brand(session)
        company = factories.distributor(session, stranger, name="Secret Partner")
        now = clock.now()
        theirs = Territory(
            brand_id=stranger.id, distributor_id=company.id, region_code="330100",
            valid_from=now - timedelta(days=9),
        )  # fmt: skip
        session.add(theirs)
    path = f"{SET_UP}/territories"
    page = admin.submit(path, **territory(trade, distributor=str(company.id)))
    assert page.status_code == 404
    assert admin.post(f"{path}/{theirs.id}/end").status_code == 404
    assert "Secret Partner" not in admin.get(path).text + admin.get(SET_UP).text
    with commit() as session:
        assert session.get_one(Territory, (theirs.brand_id, theirs.id)).valid_to is None


def test_an_operator_without_password_gets_one_that_is_shown_once_and_works(
    app: Flask, admin: Browser, commit: Commit
) -> None:
    fields = {"login": "Wang@Example.com", "name": "Wang", "role": "inspector", "password": ""}
    page = admin.submit(f"{SET_UP}/operators", **fields)
    password = re.search(r"<code>([\w-]{16})</code>", page.text)
    assert password is not None
    assert password.group(1) not in admin.get(f"{SET_UP}/operators").text
    browser = Browser(app.test_client())
    signed_in = browser.submit(
        "/console/sign-in", login="wang@example.com", password=password.group(1)
    )
    assert signed_in.status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [{"role": "king"}, {"password": "short"}, {"role": "distributor"}, {"login": "a"},
     {"distributor": "999999", "role": "distributor"}],
)  # fmt: skip
def test_a_wrong_operator_is_not_added_and_no_password_is_echoed(
    admin: Browser, commit: Commit, wrong: dict[str, str]
) -> None:
    fields = {"login": "new@example.com", "name": "New", "role": "inspector",
              "password": "a long enough one", **wrong}  # fmt: skip
    page = admin.submit(f"{SET_UP}/operators", **fields)
    assert page.status_code in (400, 404)
    assert 'value="New"' in page.text
    assert "a long enough one" not in page.text
    with commit() as session:
        assert session.query(Operator).filter_by(login="new@example.com").count() == 0


def test_ending_access_ends_the_session_too_but_never_ones_own(
    app: Flask, admin: Browser, sign_in: Callable[..., Browser], commit: Commit
) -> None:
    other = sign_in(app.test_client(), "inspector")
    with commit() as session:
        ids = {one.role: one.id for one in session.query(Operator)}
    admin.get(f"{SET_UP}/operators")
    assert admin.post(f"{SET_UP}/operators/{ids['brand_admin']}/disable").status_code == 409
    assert admin.post(f"{SET_UP}/operators/{ids['inspector']}/disable").status_code == 303
    assert other.get("/console/").status_code == 302
    assert admin.get("/console/").status_code == 200


def test_an_api_key_is_shown_once_speaks_for_the_brand_and_is_revoked(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    page = admin.submit(f"{SET_UP}/keys", name="ERP")
    key = re.search(r"yk_[0-9a-f]{8}_[0-9a-f]{64}", page.text)
    assert key is not None
    assert key.group() not in admin.get(f"{SET_UP}/keys").text
    with commit() as session:
        assert api_key.verify(api_key.all_active(session), key.group()) == trade.brand.id
        issued = session.query(ApiKey).one()
    assert admin.post(f"{SET_UP}/keys/{issued.id}/revoke").status_code == 303
    with commit() as session:
        assert api_key.all_active(session) == {}
    assert admin.submit(f"{SET_UP}/keys", name=" ").status_code == 400


def test_another_brands_operators_and_keys_are_out_of_reach(
    app: Flask, admin: Browser, sign_in: Callable[..., Browser], commit: Commit
) -> None:
    with commit() as session:
        stranger = factories.brand(session)
        key, _secret = api_key.issue(session, stranger.id, "theirs")
    theirs = sign_in(app.test_client(), "inspector", brand_id=stranger.id, login="x@theirs.com")
    with commit() as session:
        operator_id = session.query(Operator).filter_by(login="x@theirs.com").one().id
    admin.get(f"{SET_UP}/operators")
    assert admin.post(f"{SET_UP}/operators/{operator_id}/disable").status_code == 404
    assert admin.post(f"{SET_UP}/keys/{key.id}/revoke").status_code == 404
    assert theirs.get("/console/").status_code == 200
    assert "x@theirs.com" not in admin.get(f"{SET_UP}/operators").text


def test_the_set_up_is_for_administrators(
    client: FlaskClient, sign_in: Callable[..., Browser]
) -> None:
    inspector = sign_in(client, "inspector")
    for page in ("", "/territories", "/sites", "/operators", "/keys"):
        assert inspector.get(SET_UP + page).status_code == 403


def test_a_form_without_its_token_adds_nothing(admin: Browser, commit: Commit) -> None:
    page = admin.client.post(f"{SET_UP}/keys", data={"name": "forged"})
    assert page.status_code == 400
    with commit() as session:
        assert session.query(ApiKey).count() == 0
