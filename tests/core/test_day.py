from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.day import DEFAULT_ZONE, day_of, start_of, zone

ZONES = [
    "Asia/Shanghai",
    "UTC",
    "America/New_York",  # clocks are set at two in the morning
    "America/Santiago",  # at midnight: there is none once a year
    "America/Havana",  # and here one is there twice
    "Asia/Kathmandu",  # 5:45
    "Pacific/Kiritimati",
]


@pytest.mark.parametrize(
    ("instant", "zone_name", "day"),
    [
        ("2026-11-19T16:30", "Asia/Shanghai", "2026-11-20"),  # 00:30 there
        ("2026-11-19T15:59", "Asia/Shanghai", "2026-11-19"),
        ("2026-11-20T00:30", "UTC", "2026-11-20"),
        ("2026-07-01T04:30", "America/New_York", "2026-07-01"),  # 00:30 in summer
        ("2026-12-01T04:30", "America/New_York", "2026-11-30"),  # 23:30 in winter
        ("2026-03-08T04:59", "America/New_York", "2026-03-07"),
        ("2026-03-09T03:59", "America/New_York", "2026-03-08"),  # a day of 23 hours
        ("2026-11-02T04:59", "America/New_York", "2026-11-01"),  # a day of 25
    ],
)
def test_an_instant_is_on_the_day_of_the_place(instant: str, zone_name: str, day: str) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert day_of(at, zone_name) == date.fromisoformat(day)


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.sampled_from(ZONES))
def test_a_day_begins_with_its_first_instant(day: date, zone_name: str) -> None:
    begins = start_of(day, zone_name)
    assert begins.tzinfo is UTC
    assert day_of(begins, zone_name) == day
    assert day_of(begins - timedelta(seconds=1), zone_name) < day


def test_a_midnight_that_the_clocks_leave_out_is_one_in_the_morning() -> None:
    assert start_of(date(2025, 9, 7), "America/Santiago") == datetime(2025, 9, 7, 4, tzinfo=UTC)
    assert start_of(date(2025, 11, 2), "America/Havana") == datetime(2025, 11, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Asia/Beijing", "../etc/passwd", "Asia", "+08:00", "a\x00"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone(name)
    assert zone(DEFAULT_ZONE).key == DEFAULT_ZONE
