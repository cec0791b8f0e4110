from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.regions.tree import RegionTree
from scanapp.web.position import ACCURACY_MOST_M, place_at

REGIONS = RegionTree.shipped()
WEST_LAKE = {"lat": "30.2741", "lon": "120.1551"}

anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.none())
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("35", 35), (35.9, 35), ("", None), ("0", None), (-3, None), (1e300, ACCURACY_MOST_M)],
)
def test_accuracy_is_whole_metres_within_bounds(typed: Any, kept: int | None) -> None:
    place = place_at({**WEST_LAKE, "accuracy": typed}, "browser", REGIONS)
    assert place is not None
    assert (place.region_code, place.source, place.accuracy_m) == ("330100", "browser", kept)


def test_a_position_of_a_chinese_map_is_moved_to_where_it_really_is() -> None:
    # GCJ-02 shifts by some hundred metres: near a border that is another region.
    places = {
        datum: [
            place_at({"lat": lat / 1000, "lon": 121.0, "datum": datum}, "app", REGIONS)
            for lat in range(31000, 31400)
        ]
        for datum in ("wgs84", "gcj02")
    }
    assert places["wgs84"] != places["gcj02"]
    assert {place.region_code for place in places["wgs84"] if place} == {
        place.region_code for place in places["gcj02"] if place
    }


@pytest.mark.parametrize("place", [{"lat": 0, "lon": -150}, {"lat": -89, "lon": 0}])
def test_far_from_everything_there_is_no_region(place: dict[str, float]) -> None:
    assert place_at(place, "app", REGIONS) is None


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("lat", "lon", "accuracy", "datum"), anything))
)
def test_whatever_is_told_becomes_a_known_region_or_a_refusal(fields: dict[str, Any]) -> None:
    try:
        place = place_at(fields, "app", REGIONS)
    except BadInput:
        return
    assert place is None or place.region_code in REGIONS
