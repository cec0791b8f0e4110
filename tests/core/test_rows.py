"""Arrays reach the database as what they are in Python."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.rows import array

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
AWKWARD = st.sampled_from(["", " ", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", "茅台", "'; --"])


def _echo(session: Session, values: list, kind: str) -> list:
    return session.scalar(text(f"SELECT CAST(:values AS {kind}[])"), {"values": array(values)})


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | AWKWARD | WORDS))
def test_any_text_arrives_unchanged(session: Session, values: list[str | None]) -> None:
    assert _echo(session, values, "text") == values


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    ids=st.lists(st.none() | st.uuids()),
    instants=st.lists(st.none() | st.datetimes(timezones=st.just(UTC))),
)
def test_numbers_ids_and_instants_arrive_unchanged(
    session: Session, numbers: list[int], ids: list[UUID], instants: list[datetime]
) -> None:
    assert _echo(session, numbers, "bigint") == numbers
    assert _echo(session, ids, "uuid") == ids
    assert _echo(session, instants, "timestamptz") == instants
