"""Each table is written by the room that defines it, and views leave the commit to the request."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import schema
from core.db import Base
from tests.test_floors import ROOMS, ROOT

_RAW = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)\b")
_ORM = {"insert", "update", "delete"}


def owners() -> dict[str, str]:
    """The room of each table."""
    assert schema.metadata is Base.metadata
    return {
        str(mapper.local_table): mapper.class_.__module__.partition(".")[0]
        for mapper in Base.registry.mappers
    }


def classes() -> dict[str, str]:
    """The table of each mapped class, by its name."""
    return {mapper.class_.__name__: str(mapper.local_table) for mapper in Base.registry.mappers}


def written(source: str, tables: dict[str, str]) -> Iterator[str]:
    """The tables that a module's source writes, by SQL or by mapped classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _RAW.findall(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            of = node.args[0] if node.func.id in _ORM and node.args else node.func
            if isinstance(of, ast.Name) and of.id in tables:
                yield tables[of.id]


def modules() -> Iterator[Path]:
    for room in (*ROOMS, "cli"):
        if room != "lab":  # benchmarks fill tables by the million
            yield from sorted((ROOT / room).rglob("*.py"))


def test_tables_are_written_by_the_room_that_owns_them_and_no_other() -> None:
    room_of, tables = owners(), classes()
    strays, found = [], set()
    for path in modules():
        room = path.relative_to(ROOT).parts[0]
        for table in written(path.read_text(), tables):
            owner = room_of.get(table)
            found.add(table)
            if owner is not None and owner != room:
                strays.append(f"{path.relative_to(ROOT)} writes {table} of {owner}")
    assert strays == []
    assert {"scan", "item", "outbox", "claim", "transfer"} <= found


def test_views_leave_the_commit_to_the_request() -> None:
    committing = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.is_relative_to(ROOT / "scanapp") and ".commit()" in path.read_text()
    ]
    assert committing == ["scanapp/intake/committer.py", "scanapp/web/transaction.py"]
