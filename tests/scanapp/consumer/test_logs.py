import logging

import pytest

from core.db import make_sessions
from rewards.credit import handle_credit
from tests.scanapp.shop import Street
from worker.drain import drain_topic

pytestmark = pytest.mark.usefixtures("noon")

POINTS = 77_731
NUMBER = "13655512345"


def test_a_whole_journey_leaves_no_person_code_or_points_in_the_logs(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    shop, phone = street.shop(points=POINTS), street.phone()
    serial = shop.take()
    page = phone.scan(shop.path(serial))
    phone.tell_place(page, lat="30.2741", lon="120.1551")
    phone.claim(page)
    phone.sign_in(shop.brand, NUMBER)
    drain_topic(make_sessions(street.engine), handle_credit, "credit")
    assert f"{POINTS:,}" in phone.look(f"/m/{shop.brand.code}/").text
    phone.browser.submit(f"/report/{serial}", where="Night market")
    forged = serial[::-1]
    phone.look(f"/{forged}")

    logged = caplog.text
    assert "INSERT INTO transfer" in logged
    assert "one-time code for 136****2345" in logged  # it is logged that one was sent
    private = (NUMBER, phone.code_sent(NUMBER), serial, forged, page.ticket, phone.visitor().hex)
    for secret in (*private, str(phone.visitor()), str(POINTS), phone.address, "30.27", "market"):
        assert secret not in logged


def test_an_error_of_the_database_is_logged_without_its_values(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    app = street.app_with(database_url="postgresql+psycopg://yima:secret-word@127.0.0.1:1/yima")
    phone = street.phone(app=app)
    page = phone.look("/report/00000000000000000009")
    assert page.status == 503
    assert page.response.headers["Retry-After"]
    assert "We can't look this up right now." in page.text
    assert "database: OperationalError" in caplog.text
    assert "secret-word" not in caplog.text
