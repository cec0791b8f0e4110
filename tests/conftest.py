"""Throw-away servers for the suite: real PostgreSQL and Valkey, a fresh database for who asks.

The first process of a run starts PostgreSQL and migrates one database, the template of all
others. Each test process has a Valkey of its own, so that flushing it disturbs nobody.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

import migrations
from core import embedded
from core.db import make_engine, make_sessions
from core.regions.load import load as load_regions
from traceability import partitions

TEMPLATE = "yima_template"
_ADMIN_URL = "YIMA_TEST_POSTGRES"  # set by the first process for the others


def pytest_configure(config: pytest.Config) -> None:
    if _ADMIN_URL in os.environ or config.option.collectonly:
        return
    home = Path(tempfile.mkdtemp(prefix="yima-test-"))
    config.add_cleanup(lambda: _remove(home))
    url = _url(embedded.start_postgres(home, durable=False))
    os.environ[_ADMIN_URL] = url
    _create_database(url, TEMPLATE, None)
    engine = make_engine(_named(url, TEMPLATE))
    migrations.upgrade(engine)
    with make_sessions(engine).begin() as session:
        load_regions(session)
        partitions.ensure(session)
    engine.dispose()


DATABASE_FIXTURES = {
    "session",
    "engine",
    "database_url",
    "lasting_database_url",
    "empty_database_url",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what touches the database, to be run again on another PostgreSQL."""
    for item in items:
        if DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """On a machine that should have everything, a test that skips for a missing part has failed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


def _url(server: embedded.Server) -> str:
    assert server.url is not None
    return server.url


def _remove(home: Path) -> None:
    embedded.erase(home)
    os.environ.pop(_ADMIN_URL, None)
    shutil.rmtree(home, ignore_errors=True)


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _create_database(url: str, name: str, template: str | None) -> None:
    engine = make_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        copy = f'TEMPLATE "{template}"' if template else ""
        connection.execute(text(f'CREATE DATABASE "{name}" {copy}'))
    engine.dispose()


def _drop_database(url: str, name: str) -> None:
    engine = make_engine(url, isolation_level="AUTOCOMMIT")
    # PostgreSQL's own vacuum may be at work in it; the server is thrown away in any case.
    with engine.connect() as connection, contextlib.suppress(ProgrammingError):
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


def _fresh_database(template: str | None = TEMPLATE) -> Iterator[str]:
    url = os.environ[_ADMIN_URL]
    name = f"yima_{uuid.uuid4().hex[:12]}"
    _create_database(url, name, template)
    yield _named(url, name)
    _drop_database(url, name)


@pytest.fixture(scope="session")
def _process_engine() -> Iterator[Engine]:
    for url in _fresh_database():
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def session(_process_engine: Engine) -> Iterator[Session]:
    """A session on a migrated database with all regions; all it does is rolled back."""
    with _process_engine.connect() as connection:
        outer = connection.begin()
        with Session(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
        outer.rollback()


@pytest.fixture
def database_url() -> Iterator[str]:
    """The address of a migrated database of the test's own, for what really commits."""
    yield from _fresh_database()


@pytest.fixture
def empty_database_url() -> Iterator[str]:
    """The address of a database without any table, for migrations."""
    yield from _fresh_database(None)


@pytest.fixture(scope="session")
def lasting_database_url() -> Iterator[str]:
    """The address of one more such database, shared by all tests of the process that ask."""
    yield from _fresh_database()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test's own database."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def _process_redis() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="yima-test-"))
    yield _url(embedded.start_valkey(home, durable=False))
    embedded.erase(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def redis_url(_process_redis: str) -> str:
    """The address of an empty Valkey that no other test process uses."""
    import redis

    with redis.from_url(_process_redis) as client:
        client.flushall()
    return _process_redis
