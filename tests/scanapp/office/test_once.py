"""A form of an office that is sent several times does once what it says."""

import re
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from codegen.models import Product
from identity.models import ApiKey, Brand, Distributor
from rewards.models import Campaign
from tests.scanapp.browser import Browser, hidden

FORM = re.compile(r'<form method="post".*?</form>', re.S)
PAGES = [
    "/console/orders/new",
    "/console/products",
    "/console/campaigns/new",
    "/console/set-up",
    "/console/set-up/sites",
    "/console/set-up/territories",
    "/console/set-up/operators",
    "/console/set-up/keys",
    "/console/goods/pack",
    "/console/goods/ship",
    "/console/goods/receive",
    "/console/goods/report",
    "/console/sessions",
]
CAMPAIGN = {
    "name_zh": "中秋",
    "points": "5",
    "budget_points": "1000",
    "starts_on": "2026-11-22",
}


@pytest.fixture
def admin(client: FlaskClient, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(client)


@pytest.mark.parametrize("page", PAGES)
def test_every_form_of_the_office_carries_a_key_of_its_own(admin: Browser, page: str) -> None:
    first, second = admin.get(page).text, admin.get(page).text
    for form in FORM.findall(first):
        [key] = re.findall(r'name="once" value="([0-9a-f-]{36})"', form)
        assert key not in second


@pytest.mark.parametrize(
    ("page", "fields", "model"),
    [
        ("/console/campaigns/new", CAMPAIGN, Campaign),
        ("/console/set-up/keys", {"name": "ERP"}, ApiKey),
        ("/console/products", {"gtin": "6901234000016", "name_zh": "青梅酒"}, Product),
        ("/console/set-up", {"code": "D1", "name": "East"}, Distributor),
    ],
)
def test_sent_six_times_at_once_it_makes_one(
    app: Flask, admin: Browser, engine: Engine, brand: Brand, page: str, fields: dict, model: type
) -> None:
    form = {**hidden(admin.get(page)), **fields}
    cookies = {cookie.key: cookie.value for cookie in admin.client._cookies.values()}  # type: ignore[union-attr]
    answers: list[int] = []
    start = threading.Barrier(6)

    def send() -> None:
        client = app.test_client()
        for key, value in cookies.items():
            client.set_cookie(key, value, path="/")
        start.wait()
        answers.append(client.post(page, data=form).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert max(answers) < 500
    with Session(engine) as session:
        query = select(func.count()).select_from(model).where(model.brand_id == brand.id)
        assert session.scalar(query) == 1


def test_a_refused_form_may_be_sent_again(admin: Browser, engine: Engine) -> None:
    form = hidden(admin.get("/console/set-up/keys"))
    assert admin.post("/console/set-up/keys", **form, name="\0").status_code == 400
    assert admin.post("/console/set-up/keys", **form, name="ERP").status_code in (200, 303)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(ApiKey)) == 1
