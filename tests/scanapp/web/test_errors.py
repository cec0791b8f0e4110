import json
from typing import Any

import pytest

from tests.scanapp.opened import opened
from tests.scanapp.shop import Phone, Shop, Street

KEY = {"Authorization": "Bearer none"}


REQUESTS: dict[int, dict[str, Any]] = {
    400: {"path": "/claim", "method": "POST", "data": {"ticket": "x"}},
    404: {"path": "/no/such/page"},
    405: {"path": "/claim", "method": "DELETE"},
    413: {"path": "/claim", "method": "POST", "data": {"ticket": "x" * 2000}},
}


@pytest.mark.parametrize("status", [400, 404, 405, 413])
def test_a_person_is_told_on_a_page_and_a_program_by_a_problem_document(
    street: Street, status: int
) -> None:
    phone = street.phone(app=street.app_with(max_upload_bytes=1000))
    page = phone.client.open(**REQUESTS[status])
    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert f"Error {status}" in page.text
    assert page.headers["X-Request-Id"] in page.text
    for headers in (KEY, {"Accept": "application/json"}):
        answer = phone.client.open(**REQUESTS[status], headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        problem = json.loads(answer.text)
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
        assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_errors_are_told_in_the_readers_language(street: Street) -> None:
    assert "There is no such page." in street.phone("en").look("/no/such/page").text
    assert "没有此页面" in street.phone("zh").look("/no/such/page").text


def test_a_browser_that_takes_anything_gets_a_page(phone: Phone) -> None:
    browsers = ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "image/webp,*/*;q=0.8")
    for accepted in browsers:
        answer = phone.client.get("/no/such/page", headers={"Accept": accepted})
        assert answer.mimetype == "text/html"


def test_a_methods_refusal_says_which_are_allowed(phone: Phone) -> None:
    answer = phone.client.delete("/claim")
    assert "POST" in answer.headers["Allow"]


def test_what_nobody_foresaw_is_our_mistake_and_shows_nothing(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(street.settings) as app:

        @app.get("/trap")
        def trap() -> str:
            raise RuntimeError("an inner secret")

        answer = app.test_client().get("/trap?lang=en")
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert "inner secret" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text


def test_a_door_that_is_shut_answers_nothing(street: Street, shop: Shop) -> None:
    with opened(street.settings, doors=["api"]) as app:
        client = app.test_client()
        assert client.get(shop.path()).status_code == 405
        assert client.get("/console/sign-in").status_code == 404
        assert client.post(shop.path(), json={}).status_code == 401
