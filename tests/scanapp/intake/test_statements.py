"""Hot statements keep to the brand: wherever they read or write its data, they name it."""

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

import schema
from antifraud.detect import handle_detect
from core import clock, outbox
from members import bind as members
from rewards import bind
from rewards.credit import handle_credit
from rewards.queries import wallet_of
from tests.factories import NOON
from tests.owing import owe
from tests.scanapp.intake.counter import HANGZHOU, ZHEJIANG, Counter, open_counter
from traceability.sight import handle_trace
from traceability.visit import Kind

OF_BRANDS = {
    table.name
    for table in schema.metadata.tables.values()
    if next(iter(table.primary_key.columns)).name == "brand_id"
}
_NAMED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO) (\w+)(?: (?:AS )?(\w+))?", re.IGNORECASE)
_NO_ALIASES = {"where", "set", "on", "join", "left", "cross", "order", "values", "returning"}


def forgotten(statement: str) -> list[str]:
    """The tables of brands' data for which the statement does not say whose."""
    flat = " ".join(statement.replace("(", " ( ").split())
    found = []
    for named in _NAMED.finditer(flat):
        table, alias = named[1].lower(), named[2]
        if table not in OF_BRANDS:
            continue
        if alias is None or alias.lower() in _NO_ALIASES:
            alias = table
        rest = flat[named.end(1) :]
        if not re.search(rf"\b{alias}\.brand_id\b|(?<![.\w])brand_id\b", rest):
            found.append(table)
    return found


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT 1 FROM item WHERE code_id = 1", ["item"]),
        (
            "SELECT 1 FROM item i JOIN claim c ON c.code_id = i.code_id WHERE i.brand_id = 1",
            ["claim"],
        ),
        ("UPDATE scan SET at = now() FROM t WHERE scan.code_id = t.code_id", ["scan"]),
        ("UPDATE item SET scans = 1 WHERE brand_id = 1 AND code_id = 2", []),
        ("SELECT 1 FROM brand JOIN region ON true", []),
    ],
)
def test_what_is_forgotten_is_found(statement: str, tables: list[str]) -> None:
    assert forgotten(statement) == tables


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """All that connections of the engine are asked, also past SQLAlchemy."""
    asked: list[str] = []

    class Recording(psycopg.Cursor[Any]):
        def execute(self, query: Any, *values: Any, **more: Any) -> Any:
            asked.append(str(query))
            return super().execute(query, *values, **more)

    def record(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.cursor_factory = Recording

    engine.dispose()
    event.listen(engine, "connect", record)
    return asked


def test_scans_claims_and_what_follows_name_the_brand_of_all_they_touch(
    engine: Engine, statements: list[str]
) -> None:
    with clock.fixed(NOON):
        counter = open_counter(engine, daily_limit=5)
        statements.clear()
        _live(counter)
    touched = {name for each in statements for name, _ in _NAMED.findall(each)}
    assert {"item", "scan", "claim", "claim_count", "transfer", "sighting"} <= touched
    # The outbox is the installation's: its rows are taken up across brands.
    assert not {each: tables for each in set(statements) if (tables := forgotten(each))}


def _live(counter: Counter) -> None:
    """One visitor scans, claims, tells where, signs in; the worker does what is owed."""
    visitor, brand_id = uuid4(), counter.brand.id
    for kind in (Kind.LOOK, Kind.SCAN, Kind.CLAIM):
        counter.commit(counter.visit(kind, 0, visitor, ZHEJIANG, "proxy"))
    counter.commit(counter.visit(Kind.PLACE, 0, visitor, HANGZHOU))
    with counter.sessions.begin() as session:
        bind.lock_visitor(session, visitor)
        member = members.sign_in(session, brand_id, visitor, "13800000001", bytes(32)).member
        bind.bind(session, brand_id, visitor, member.id)
    counter.commit(counter.visit(Kind.CLAIM, 1, visitor))
    with counter.sessions.begin() as session:
        owe(session, "detect", brand_id, {"flows": [[1, 1]]})
        for topic, handle in _HANDLERS.items():
            _drain(session, topic, handle)
        assert wallet_of(session, brand_id, member.id).balance_points > 0


_HANDLERS = {"credit": handle_credit, "trace": handle_trace, "detect": handle_detect}


def _drain(session: Session, topic: str, handle: Any) -> None:
    rows = outbox.take(session, topic, 50)
    assert rows, topic
    handle(session, rows)
    outbox.mark_done(session, [row.id for row in rows])
