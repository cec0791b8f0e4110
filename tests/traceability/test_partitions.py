import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core import clock
from core.db import make_sessions
from traceability import partitions

FAR = datetime(2031, 12, 15, tzinfo=UTC)
INSERT = text("""
    INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, door)
    VALUES (:at, 1, 1, gen_random_uuid(), 'first', 'allow', 'page')
    RETURNING tableoid::regclass::text
""")


def test_makes_the_months_from_the_last_to_the_third_ahead_across_new_year(session: Session):
    with clock.fixed(FAR):
        made = partitions.ensure(session)
    assert made == ["scan_203111", "scan_203112", "scan_203201", "scan_203202", "scan_203203"]


def test_a_second_run_makes_nothing_and_a_later_one_only_what_is_missing(session: Session):
    with clock.fixed(FAR):
        partitions.ensure(session)
        assert partitions.ensure(session) == []
    with clock.fixed(datetime(2032, 1, 1, tzinfo=UTC)):
        assert partitions.ensure(session) == ["scan_203204"]


def test_scans_at_both_ends_of_a_month_land_in_its_partition(session: Session):
    with clock.fixed(FAR):
        partitions.ensure(session)
    first = session.execute(INSERT, {"at": datetime(2031, 12, 1, tzinfo=UTC)}).one()
    last = datetime(2031, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    second = session.execute(INSERT, {"at": last}).one()
    assert first[0] == second[0] == "scan_203112"


def test_partitions_have_the_index_that_finds_a_codes_scans(session: Session):
    with clock.fixed(FAR):
        partitions.ensure(session)
    indexes = session.scalars(
        text("SELECT indexdef FROM pg_indexes WHERE tablename = 'scan_203112'")
    ).all()
    [index] = indexes
    assert "UNIQUE" in index
    assert "(brand_id, code_id, visitor_id, at)" in index


def test_two_processes_at_once_make_every_partition_once(engine: Engine):
    made: list[str] = []

    def run() -> None:
        with make_sessions(engine).begin() as session:
            made.extend(partitions.ensure(session, months_ahead=6))

    with clock.fixed(FAR):
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == len(set(made)) == 8


@pytest.mark.parametrize("months", [-1, 121])
def test_refuses_a_senseless_number_of_months(session: Session, months: int):
    with pytest.raises(ValueError, match="between 0 and 120"):
        partitions.ensure(session, months_ahead=months)
