"""A street of shops full of genuine goods, and the phones that scan them.

One application serves a whole run of tests: every phone has an address of its own and every test
takes codes that nobody has scanned, so they don't meet.
"""

import html
import itertools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from codegen.models import CodeOrder, Product
from codegen.printing import code_list, labels
from core import clock
from core.db import make_engine, make_sessions
from core.settings import Settings
from identity.models import Brand
from rewards.models import Campaign
from scanapp.web.extensions import process
from tests import factories
from tests.scanapp.browser import Browser
from tests.scanapp.opened import opened
from traceability import partitions

PHONE_NUMBER = "13812345678"

_addresses = itertools.count(1)


@dataclass(frozen=True)
class Page:
    """A page as its reader, and the page's own forms, understand it."""

    response: TestResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        """What is written on it, without markup and in single blanks."""
        body = re.sub(r"(?s)<head>.*?</head>|<[^>]+>", " ", self.response.text)
        return " ".join(html.unescape(body).split())

    @property
    def outcome(self) -> str | None:
        return self._find(r'<meta name="yima-outcome" content="(\w+)">')

    @property
    def claim(self) -> str | None:
        """The state of the claim: offered, waiting, granted, held, refused or taken."""
        return self._find(r'data-claim="(\w+)"')

    @property
    def ticket(self) -> str:
        """What lets this page's visitor claim; only pages about codes of ours have one."""
        return self.beacon.removeprefix("/b/").removesuffix(".gif")

    @property
    def beacon(self) -> str:
        """The address of the image that tells a person's scan from a crawler's."""
        return self._find(r'<img src="(/b/[^"]+)"') or ""

    def _find(self, pattern: str) -> str | None:
        found = re.search(pattern, self.response.text)
        return html.unescape(found.group(1)) if found else None


class Phone:
    """One browser at one address; reads English unless told otherwise."""

    def __init__(self, app: Flask, messages: Path, language: str = "en") -> None:
        number = next(_addresses)
        self.address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = self.address
        self.client.set_cookie("yima_language", language)
        self.browser = Browser(self.client)
        self._messages = messages

    def look(self, path: str, **more: Any) -> Page:
        """The page, without its images: what a link checker fetches."""
        return Page(self.client.get(path, **more))

    def scan(self, path: str, **more: Any) -> Page:
        """The page with its image, as a person's browser shows it."""
        page = self.look(path, **more)
        if page.beacon:
            assert self.client.get(page.beacon, **more).status_code == 200
        return page

    def claim(self, page: Page) -> Page:
        """What the page says after its button was pressed."""
        data = {"ticket": page.ticket}
        return Page(self.client.post("/claim", data=data, follow_redirects=True))

    def tell_place(self, page: Page, **form: Any) -> TestResponse:
        """The answer to a position that the page's script sends."""
        return self.client.post("/place", data={"ticket": page.ticket, **form})

    def sign_in(self, brand: Brand, number: str = PHONE_NUMBER) -> Page:
        """The page that follows a sign-in with the code that was sent."""
        start = f"/m/{brand.code}/sign-in"
        sent = self.browser.submit(start, phone=number, consent="1")
        assert sent.status_code == 303, sent.text
        answer = self.browser.submit(f"{start}/code", code=self.code_sent(number))
        assert answer.status_code == 303, answer.text
        return Page(self.client.get(answer.location))

    def code_sent(self, number: str = PHONE_NUMBER) -> str:
        """The newest code that was sent to the number."""
        mask = f"{number[:3]}****{number[-4:]}"
        lines = [line for line in self._messages.read_text("utf-8").splitlines() if mask in line]
        found = re.search(r"(?<!\d)\d{6}(?!\d)", lines[-1])
        assert found is not None, lines[-1]
        return found.group()

    def visitor(self) -> UUID:
        """Who the browser is, as the page's signed cookie says."""
        from scanapp.consumer.visitor import known_visitor

        cookie = self.client.get_cookie("yima_visitor")
        assert cookie is not None
        headers = {"Cookie": f"yima_visitor={cookie.value}"}
        with self.app.test_request_context("/", headers=headers):
            found = known_visitor()
        assert found is not None
        return found


@dataclass
class Shop:
    """A brand with an order on sale, and most often a campaign for it."""

    brand: Brand
    product: Product
    order: CodeOrder
    campaign: Campaign | None
    _serials: Iterator[tuple[int, str]]
    _taken: dict[str, int] = field(default_factory=dict)

    def take(self) -> str:
        """The serial of an item that nobody has scanned."""
        number, serial = next(self._serials)
        self._taken[serial] = number
        return serial

    def path(self, serial: str | None = None) -> str:
        """The path of a GS1 Digital Link; of a fresh item when none is named."""
        return f"/01/{self.product.gtin}/21/{serial or self.take()}"

    def number(self, serial: str) -> int:
        """The number in the order, from 1, of an item that was taken."""
        return self._taken[serial]

    def code_id(self, serial: str) -> int:
        return self.order.lo + self.number(serial) - 1


@dataclass
class Street:
    """The application, its database, and everything that tests open and ask on it."""

    app: Flask
    engine: Engine
    settings: Settings
    messages: Path
    _apps: dict[str, Flask] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def commit(self) -> AbstractContextManager[Session]:
        """`with commit() as session:` does what the block does, for good, and the app knows it."""
        return _Commit(self)

    def refresh(self) -> None:
        """The app knows what the database holds now, without waiting for its second."""
        with self.app.app_context():
            process().take_care()
            process().catalogue.refresh()
            process().keys.refresh()
            process().forged.flush()

    def phone(self, language: str = "en", app: Flask | None = None) -> Phone:
        return Phone(app or self.app, self.messages, language)

    def app_with(self, **changed: Any) -> Flask:
        """Another application on the same data, with other settings."""
        key = repr(sorted(changed.items()))
        if key not in self._apps:
            app = opened(replace(self.settings, **changed))
            self._apps[key] = self._open.enter_context(app)
        return self._apps[key]

    def shop(self, quantity: int = 40, has_campaign: bool = True, **campaign: Any) -> Shop:
        """A new brand's shop; keywords describe its campaign."""
        with self.commit() as session:
            brand = factories.brand(session)
            product = factories.product(session, brand)
            order = factories.active_order(session, brand, product, quantity)
            offer = factories.campaign(session, brand, **campaign) if has_campaign else None
            serials = self.serials(session, order)
        return Shop(brand, product, order, offer, iter(list(enumerate(serials, 1))))

    def serials(self, session: Session, order: CodeOrder) -> list[str]:
        """All serials of an order."""
        codes = code_list(session, order, factories.KEK)
        return [label.serial for label in labels(codes, 1, order.quantity)]

    def rows(self, query: str, **values: Any) -> list[Any]:
        """What the query finds."""
        with Session(self.engine) as session:
            return list(session.execute(text(query), values))

    def scans(self, code_id: int) -> list[Any]:
        """The code's scans, oldest first."""
        return self.rows("SELECT * FROM scan WHERE code_id = :code ORDER BY at", code=code_id)


@dataclass
class _Commit(AbstractContextManager[Session]):
    street: Street

    def __enter__(self) -> Session:
        self._open = make_sessions(self.street.engine).begin()
        return self._open.__enter__()

    def __exit__(self, *details: Any) -> None:
        self._open.__exit__(*details)
        self.street.refresh()


@pytest.fixture(scope="session")
def street(
    lasting_database_url: str, _process_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    """All doors on a database that the tests of a run share; see the module."""
    home = tmp_path_factory.mktemp("street")
    settings = Settings(
        home=home,
        database_url=lasting_database_url,
        redis_url=_process_redis,
        secret_key=bytes(range(32, 64)),
        key_encryption_key=factories.KEK,
        trusted_proxies=(),
        geoip_path=None,
        verification_folder=None,
        cookie_secure=False,
        messages_file=home / "messages.txt",
    )
    engine = make_engine(lasting_database_url, hide_parameters=True)
    with clock.fixed(factories.NOON), make_sessions(engine).begin() as session:
        partitions.ensure(session)
    with opened(settings) as app, ExitStack() as others:
        yield Street(app, engine, settings, home / "messages.txt", _open=others)
    engine.dispose()


@pytest.fixture(scope="session")
def shop(street: Street) -> Shop:
    """A shop with a thousand items and a campaign of 5 points without limits."""
    return street.shop(1000)


@pytest.fixture
def phone(street: Street) -> Phone:
    """A phone that was never here."""
    return street.phone()


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon, and stays so."""
    with clock.fixed(factories.NOON):
        yield
