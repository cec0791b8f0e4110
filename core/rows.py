"""Many rows as one parameter: JSON that PostgreSQL's `json_to_recordset` turns into a table.

An array a column would say the same; psycopg writes arrays element by element in Python, which
took more time than the statement itself.
"""

from collections.abc import Mapping, Sequence
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
