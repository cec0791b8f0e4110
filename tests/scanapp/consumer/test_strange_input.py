"""Whatever comes in by path, query, form, JSON, header or cookie is answered, never with a 500."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from identity import api_key
from tests.scanapp.browser import hidden
from tests.scanapp.shop import Phone, Shop, Street

# Text as attackers send it: NULs, surrogates, right-to-left marks, and very long.
text = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["\0", "\ud800", "\udfff\0", "‮", "é" * 5000, "%00", "..", "' OR 1=1", "{{7*7}}"]
    ),
    st.from_regex(r"[0-9A-HJKMNP-TV-Z]{20}", fullmatch=True),
)
numbers = st.one_of(st.integers(), st.floats(), st.just(10**400), st.just(-0.0))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("visitor", "region", "lat", "lon", "accuracy", "datum")
FORMS = ("ticket", "lat", "lon", "accuracy", "datum", "phone", "code", "consent", "where", "note")
HEADERS = (
    "Authorization",
    "X-Forwarded-For",
    "Accept-Language",
    "Accept",
    "Content-Type",
    "Cookie",
)
header_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)

# The database and the application are one for all examples, on purpose.
relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def quoted(part: str) -> str:
    return quote(part.encode(errors="surrogatepass"), safe="")


@pytest.fixture(scope="module")
def key(street: Street, shop: Shop) -> str:
    with street.commit() as session:
        return api_key.issue(session, shop.brand.id, "app")[1]


@pytest.fixture(scope="module")
def serial(shop: Shop) -> str:
    return shop.take()


def answered(answer: TestResponse) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["Content-Security-Policy"]


@relaxed
@given(
    st.sampled_from(
        [
            "/{}",
            "/01/{}/21/{}",
            "/b/{}.gif",
            "/report/{}",
            "/m/{}/",
            "/{}.txt",
            "/m/{}/sign-in",
            "/m/{}/sign-in/code",
            "/01/{}/21/{}/claim",
            "/{}/claim",
        ]
    ),
    text,
    text,
    text,
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE", "GE T"]),
)
def test_paths(phone: Phone, template: str, one: str, two: str, query: str, method: str) -> None:
    path = template.format(quoted(one), quoted(two))
    for refused in ("lang", "refused"):
        address = f"{path}?{refused}={quoted(query)}"
        answered(phone.client.open(address, method=method))


@relaxed
@given(st.dictionaries(st.sampled_from(HEADERS), header_text, max_size=4))
def test_headers(
    street: Street, proxied: Flask, shop: Shop, serial: str, headers: dict[str, str]
) -> None:
    phone = street.phone(app=proxied)
    for path in (shop.path(serial), f"/m/{shop.brand.code}/", f"/report/{serial}"):
        answered(phone.client.get(path, headers=headers))
    answered(phone.client.post(shop.path(serial), headers=headers, data=b"{}"))


@relaxed
@given(st.dictionaries(st.sampled_from(FORMS), text, max_size=5))
def test_forms(phone: Phone, shop: Shop, serial: str, form: dict[str, str]) -> None:
    ticket = phone.look(shop.path(serial)).ticket
    answered(_sent(phone.client, "/claim", form))
    answered(_sent(phone.client, "/place", {**form, "ticket": ticket}))
    start = f"/m/{shop.brand.code}/sign-in"
    token = hidden(phone.client.get(start))["csrf_token"]
    for path in (start, f"{start}/code", f"{start}/again", f"/report/{serial}"):
        answered(_sent(phone.client, path, {**form, "csrf_token": token}))


@relaxed
@given(bodies, st.sampled_from(["", "/claim"]))
def test_bodies(
    phone: Phone, shop: Shop, serial: str, key: str, body: dict[str, Any], way: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    for visitor in ({}, {"visitor": "ann"}):
        sent = json.dumps({**body, **visitor})
        answered(
            phone.client.post(
                shop.path(serial) + way,
                data=sent,
                headers=headers,
                content_type="application/json",
            )
        )


@relaxed
@given(st.binary(max_size=200))
def test_bytes(phone: Phone, shop: Shop, serial: str, key: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    for content_type in (
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-7",
    ):
        for path in (shop.path(serial), "/claim", f"/report/{serial}"):
            answered(phone.client.post(path, data=body, headers=headers, content_type=content_type))


def _sent(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    fields = {name: value.encode(errors="surrogatepass") for name, value in form.items()}
    return client.post(
        path, data=urlencode(fields), content_type="application/x-www-form-urlencoded"
    )
