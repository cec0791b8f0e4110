"""The whole application on a database of the test's own, asked over real HTTP semantics."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import make_sessions
from core.settings import Settings
from identity.models import Brand
from identity.operator import add_operator
from tests import factories
from tests.scanapp.browser import Browser
from tests.scanapp.opened import opened
from tests.scanapp.shop import noon, phone, shop, street

SHARED = (noon, phone, shop, street)  # fixtures of a module are offered by being named here
PASSWORD = "correct horse battery"
DOORS = {"distributor": "/portal"}  # by role; everybody else's is the console


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """What `app` is configured by; `cookie_secure` is off, as the tests speak plain HTTP."""
    return Settings(
        home=tmp_path,
        database_url=database_url,
        redis_url=redis_url,
        secret_key=bytes(range(32, 64)),
        key_encryption_key=factories.KEK,
        trusted_proxies=(),
        geoip_path=None,
        verification_folder=None,
        cookie_secure=False,
        messages_file=tmp_path / "messages.txt",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """All doors; forms need their tokens, as in production."""
    with opened(settings) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who has no cookie yet, and who reads English."""
    client = app.test_client()
    client.set_cookie("yima_language", "en")
    return client


@pytest.fixture
def commit(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    """`with commit() as session:` does what the block does to the app's database, for good."""
    return make_sessions(engine).begin


@pytest.fixture
def brand(commit: Callable[[], AbstractContextManager[Session]]) -> Brand:
    """The brand of those who sign in without naming another."""
    with commit() as session:
        return factories.brand(session)


@pytest.fixture
def sign_in(
    commit: Callable[[], AbstractContextManager[Session]], brand: Brand
) -> Callable[..., Browser]:
    """`sign_in(client, role)` is the browser of a new operator of that role, signed in.

    `brand_id` and `distributor_id` make it another brand's, or a company's.
    """

    def sign_in(client: FlaskClient, role: str = "brand_admin", **more: Any) -> Browser:
        values = {"brand_id": brand.id, "login": f"{role}@example.com", "name": role, **more}
        with commit() as session:
            add_operator(session, role=role, password=PASSWORD, **values)
        browser = Browser(client)
        page = browser.submit(
            f"{DOORS.get(role, '/console')}/sign-in", login=values["login"], password=PASSWORD
        )
        assert page.status_code == 302, page.text
        return browser

    return sign_in
