"""Many values as one parameter of set-based SQL, written as text.

psycopg writes lists element by element in Python, which takes two to eight times as long, and with
a batch of scans more than the statement itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson


def as_json_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows for `json_to_recordset(CAST(:rows AS json)) AS t(column type, …)`.

    Values are what JSON knows, and UUIDs, instants and enumerations; bytes go as `as_bytea`.
    """
    return orjson.dumps(rows).decode()


def as_bytea(value: bytes) -> str:
    """Bytes as a JSON row may hold them, for a column of type bytea."""
    return f"\\x{value.hex()}"


def array(values: Iterable[object]) -> str:
    """PostgreSQL's literal of a flat array, to be cast where it is used: `CAST(:ids AS bigint[])`.

    Takes None, text, and what PostgreSQL reads as `str` writes it: numbers, UUIDs, instants.
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
