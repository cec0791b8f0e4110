import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

import migrations
from core.settings import Settings
from scanapp.serving.watch import Watch
from tests.running import free_port
from tests.scanapp.opened import opened

Commit = Callable[[], AbstractContextManager[Session]]
Open = Callable[[Settings], FlaskClient]


@pytest.fixture
def open_app() -> Iterator[Open]:
    """Opens an app of a release that knows the schema's present revisions."""
    with ExitStack() as apps:

        def open_app(settings: Settings) -> FlaskClient:
            app = opened(settings, revisions=migrations.revisions())
            return apps.enter_context(app).test_client()

        yield open_app


def away(settings: Settings) -> Settings:
    """The settings, but nobody listens where the database should be."""
    return replace(
        settings, database_url=f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/yima"
    )


def test_a_process_that_lives_says_so_whatever_is_away(settings: Settings, open_app: Open) -> None:
    answer = open_app(away(settings)).get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_migrated_database_makes_ready(settings: Settings, open_app: Open) -> None:
    answer = open_app(settings).get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {
        "ready": True,
        "database": "ok",
        "migrations": "current",
        "redis": "ok",
    }


def test_without_redis_the_doors_work_on(settings: Settings, open_app: Open) -> None:
    answer = open_app(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")).get(
        "/readyz"
    )
    assert answer.status_code == 200
    assert answer.json["redis"] == "degraded"


def test_without_a_database_nothing_is_ready(settings: Settings, open_app: Open) -> None:
    answer = open_app(away(settings)).get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"ready": False, "database": "away"}


@pytest.mark.parametrize(
    ("found", "said", "status"),
    [(None, "behind", 503), ("table", "behind", 503), ("9999", "ahead", 200)],
)
def test_an_old_schema_is_not_ready_but_a_newer_releases_is(
    settings: Settings,
    open_app: Open,
    commit: Commit,
    found: str | None,
    said: str,
    status: int,
) -> None:
    with commit() as session:
        if found is None:
            session.execute(text("DELETE FROM alembic_version"))
        elif found == "table":
            session.execute(text("DROP TABLE alembic_version"))
        else:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": found})
    answer = open_app(settings).get("/readyz")
    assert (answer.status_code, answer.json["migrations"]) == (status, said)


@pytest.mark.parametrize("door", ["consumer", "brand", "distributor", "api"])
def test_every_process_answers_whatever_its_doors_without_cookies_and_uncached(
    settings: Settings, open_app: Open, door: str
) -> None:
    client = open_app(replace(settings, doors=(door,)))
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_server_that_hangs_holds_one_thread_and_nobody_for_long() -> None:
    released = threading.Event()
    asked = []

    def look() -> str:
        asked.append(threading.current_thread())
        released.wait()
        return "here"

    watch = Watch(look, keep=60, patience=0.05)
    assert [watch.now() for _ in range(20)] == [None] * 20
    assert len(asked) == 1
    released.set()
    asked[0].join()
    assert watch.now() == "here"
    assert len(asked) == 1


def test_an_answer_is_kept_and_a_failure_too() -> None:
    asked = []

    def fail() -> str:
        asked.append(1)
        raise ConnectionError

    watch = Watch(fail, keep=60, patience=5)
    assert [watch.now(), watch.now()] == [None, None]
    assert len(asked) == 1
