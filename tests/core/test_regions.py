import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import BadInput
from core.regions.counties import ROWS_MAX
from core.regions.datum import gcj02_to_wgs84, wgs84_to_gcj02
from core.regions.errors import CountiesRefused, UnknownRegion
from core.regions.load import import_counties, load
from core.regions.models import Region
from core.regions.shipped import Level, Place, shipped_places
from core.regions.tree import RegionTree

TREE = RegionTree.shipped()
IN_CHINA = [place for place in shipped_places() if place.code[0].isdigit()]


def _row(session: Session, code: str) -> Region:
    return session.scalars(
        select(Region).where(Region.code == code).execution_options(populate_existing=True)
    ).one()


def _tree_with(*extra: Place) -> RegionTree:
    return RegionTree([*shipped_places(), *extra])


# The shipped data


def test_every_country_and_every_prefecture_is_there() -> None:
    levels = Counter(place.level for place in shipped_places())
    assert levels == {"country": 249, "province": 34, "prefecture": 333, "county": 70}
    assert len({place.code for place in shipped_places()}) == len(shipped_places())


def test_counties_are_shipped_where_no_prefecture_stands_between() -> None:
    per_province = Counter(place.parent_code for place in IN_CHINA if place.level == "county")
    assert per_province == {
        "410000": 1, "420000": 4, "460000": 15, "500000": 38, "650000": 12,
    }  # fmt: skip


def test_a_code_tells_level_and_parent() -> None:
    for place in IN_CHINA:
        if place.level == "province":
            assert place.code.endswith("0000")
            assert place.parent_code == "CN"
        else:
            assert place.parent_code == place.code[:2] + "0000"
            assert place.code.endswith("00") == (place.level == "prefecture")


def test_names_are_clean_and_unique_under_their_parent() -> None:
    places = [place for place in shipped_places() if not place.same_as]
    for names in (Counter((p.parent_code, p.name_zh) for p in places),
                  Counter((p.parent_code, p.name_en) for p in places)):  # fmt: skip
        assert [name for name, count in names.items() if count > 1] == []
    for place in shipped_places():
        assert place.name_en is not None
        assert place.name_zh == place.name_zh.strip() != ""
        assert place.name_en == place.name_en.strip() != ""
        assert not place.name_zh.isascii()


def test_no_heading_of_the_statistics_passes_for_a_place() -> None:
    for place in IN_CHINA:
        assert place.name_zh not in {"市辖区", "县"}
        assert "直辖" not in place.name_zh


def test_every_position_in_china_is_near_its_province() -> None:
    far_and_wide = {"650000": 1100, "540000": 1100, "150000": 1350, "620000": 800, "630000": 750}
    for place in IN_CHINA:
        assert place.lat is not None
        assert place.lon is not None
        assert 3 < place.lat < 54
        assert 73 < place.lon < 136
        province = TREE.at_level(place.code, "province")
        assert province is not None
        limit_km = far_and_wide.get(province, 700)
        assert TREE.distance_km(place.code, province) < limit_km, place


def test_no_two_prefectures_share_a_position() -> None:
    seats = Counter((p.lat, p.lon) for p in IN_CHINA if p.level == "prefecture")
    assert max(seats.values()) == 1


@pytest.mark.parametrize(
    ("code", "lat", "lon"),
    [
        ("110000", 39.904, 116.407),
        ("310000", 31.230, 121.474),
        ("650100", 43.825, 87.617),
        ("460200", 18.253, 109.512),
        ("429004", 30.362, 113.454),
        ("419001", 35.067, 112.602),
        ("230100", 45.803, 126.535),
        ("542500", 32.501, 80.105),
        ("JP", 35.69, 139.69),
        ("BR", -15.79, -47.88),
    ],
)
def test_known_seats_are_where_they_are(code: str, lat: float, lon: float) -> None:
    seat_lat, seat_lon = TREE.position(code)
    assert (seat_lat, seat_lon) == (pytest.approx(lat, abs=0.1), pytest.approx(lon, abs=0.1))


# The tree


def test_ancestors_run_from_the_place_to_its_country() -> None:
    assert TREE.ancestors("320500") == ("320500", "320000", "CN")
    assert TREE.ancestors("429004") == ("429004", "420000", "CN")
    assert TREE.ancestors("JP") == ("JP",)


def test_a_place_contains_itself_and_what_lies_below() -> None:
    assert TREE.contains("CN", "320500")
    assert TREE.contains("320000", "320500")
    assert TREE.contains("320500", "320500")
    assert not TREE.contains("320500", "320000")
    assert not TREE.contains("340000", "320500")


@given(st.sampled_from(IN_CHINA), st.sampled_from(IN_CHINA))
def test_containing_is_being_an_ancestor(outer: Place, inner: Place) -> None:
    assert TREE.contains(outer.code, inner.code) == (outer.code in TREE.ancestors(inner.code))
    if outer.code != inner.code:
        assert not (TREE.contains(outer.code, inner.code) and TREE.contains(inner.code, outer.code))


def test_a_level_that_a_place_does_not_have_is_none() -> None:
    assert TREE.at_level("320500", "province") == "320000"
    assert TREE.at_level("320500", "county") is None
    assert TREE.at_level("429004", "prefecture") is None
    assert TREE.at_level("429004", "county") == "429004"
    assert TREE.at_level("110000", "prefecture") is None
    assert TREE.at_level("110000", "country") == "CN"
    assert TREE.level("500101") == "county"


@pytest.mark.parametrize(("iso", "gb"), [("HK", "810000"), ("MO", "820000"), ("TW", "710000")])
def test_one_place_has_one_code_whatever_it_is_called_by(iso: str, gb: str) -> None:
    assert TREE.canonical(iso) == TREE.canonical(gb) == gb
    assert TREE.ancestors(iso) == (gb, "CN")
    assert TREE.contains("CN", iso)
    assert TREE.contains(iso, gb)
    assert iso in TREE
    assert iso not in TREE.children()
    assert gb in TREE.children("CN")
    assert TREE.distance_km(iso, gb) == 0


def test_paths_are_named_as_people_say_them() -> None:
    assert TREE.path_name("320500", "zh") == "江苏苏州"
    assert TREE.path_name("341300", "zh") == "安徽宿州"
    assert TREE.path_name("422800", "zh") == "湖北恩施"
    assert TREE.path_name("652800", "zh") == "新疆巴音郭楞"
    assert TREE.path_name("653000", "zh") == "新疆克孜勒苏"
    assert TREE.path_name("232700", "zh") == "黑龙江大兴安岭"
    assert TREE.path_name("152200", "zh") == "内蒙古兴安盟"
    assert TREE.path_name("429004", "zh") == "湖北仙桃"
    assert TREE.path_name("500230", "zh") == "重庆丰都县"
    assert TREE.path_name("HK", "zh") == "香港"
    assert TREE.path_name("CN", "zh") == "中国"
    assert TREE.path_name("JP", "zh") == "日本"
    assert TREE.path_name("320500", "en") == "Suzhou, Jiangsu"
    assert TREE.path_name("CN", "en") == "China"


def test_no_short_name_is_empty_or_keeps_its_rank() -> None:
    for place in IN_CHINA:
        short = TREE.path_name(place.code, "zh").split(" ")[-1]
        assert len(short) >= 2
        assert not short.endswith(("省", "自治区", "自治州", "地区"))


def test_names_come_in_both_languages() -> None:
    assert TREE.name("150000") == "内蒙古自治区"
    assert TREE.name("150000", "en") == "Inner Mongolia"
    assert TREE.name("150000", "zh_Hans_CN") == "内蒙古自治区"


def test_an_unknown_code_is_refused_by_name() -> None:
    with pytest.raises(UnknownRegion, match="999999"):
        TREE.get("999999")
    assert "999999" not in TREE


def test_distances_agree_with_the_map() -> None:
    assert TREE.distance_km("110000", "310000") == pytest.approx(1068, rel=0.01)
    assert TREE.distance_km("320500", "320500") == 0
    assert TREE.distance_km("GB", "AU") == pytest.approx(17_000, rel=0.02)


def test_a_tree_with_a_broken_branch_is_refused() -> None:
    with pytest.raises(BadInput, match="missing"):
        _tree_with(Place("990101", "990100", "county", "无", None, None, None))
    with pytest.raises(BadInput, match="no finer"):
        _tree_with(Place("320100", "320500", "prefecture", "南京市", None, None, None))
    with pytest.raises(BadInput, match="neither parent nor position"):
        _tree_with(Place("XX", None, "country", "无", None, None, None))


# The nearest region


def test_every_seat_lies_nearest_to_itself() -> None:
    for place in IN_CHINA:
        if place.level in ("prefecture", "county"):
            position = TREE.position(place.code)
            assert TREE.nearest(*position) == (place.code, pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (31.39, 120.95, "320500"),  # 昆山
        (29.30, 120.07, "330700"),  # 义乌
        (30.36, 113.45, "429004"),  # 仙桃
        (22.28, 114.16, "810000"),  # 香港中环
        (22.63, 120.30, "710000"),  # 高雄
        (37.55, 126.99, "KR"),
        (39.03, 125.75, "KP"),
        (21.03, 105.85, "VN"),
    ],
)
def test_a_known_point_falls_into_its_region(lat: float, lon: float, code: str) -> None:
    found = TREE.nearest(lat, lon)
    assert found is not None
    assert found[0] == code


@pytest.mark.parametrize(
    ("place", "level", "code"),
    [
        ((31.39, 120.95), "county", "320500"),
        ((31.39, 120.95), "province", "320000"),
        ((31.39, 120.95), "country", "CN"),
        ((30.81, 108.41), "county", "500101"),
        ((30.81, 108.41), "prefecture", "500000"),
        ((39.92, 116.44), "county", "110000"),
        ((37.55, 126.99), "prefecture", "KR"),
    ],
)
def test_the_answer_is_lifted_to_the_level_asked_for(
    place: tuple[float, float], level: Level, code: str
) -> None:
    found = TREE.nearest(*place, levels=(level,))
    assert found is not None
    assert found[0] == code


def test_far_from_every_seat_only_the_country_is_believed_and_farther_nothing() -> None:
    ruoqiang = TREE.nearest(39.02, 88.17)
    assert ruoqiang is not None
    assert ruoqiang[0] == "CN"
    assert 300 < ruoqiang[1] < 600
    assert TREE.nearest(0.0, -140.0) is None


@pytest.mark.parametrize(
    ("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0), (0, float("nan")), (float("inf"), 0)]
)
def test_what_is_no_position_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(BadInput, match="no place on earth"):
        TREE.nearest(lat, lon)
    with pytest.raises(BadInput, match="no place on earth"):
        gcj02_to_wgs84(lat, lon)


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="levels"):
        TREE.nearest(31, 120, levels=())


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_nearest_answers_for_the_whole_earth(lat: float, lon: float) -> None:
    found = TREE.nearest(lat, lon)
    if found is not None:
        code, distance_km = found
        assert code == TREE.canonical(code)
        assert 0 <= distance_km <= 600


# The datum


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_the_shift_agrees_with_published_points(
    wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    assert wgs84_to_gcj02(*wgs) == pytest.approx(gcj, abs=1e-9)
    assert gcj02_to_wgs84(*gcj) == pytest.approx(wgs, abs=1e-7)


@given(st.floats(4, 53), st.floats(74, 135))
def test_a_position_survives_the_way_to_gcj02_and_back(lat: float, lon: float) -> None:
    there = wgs84_to_gcj02(lat, lon)
    assert there != (lat, lon)
    assert gcj02_to_wgs84(*there) == pytest.approx((lat, lon), abs=1e-7)


@pytest.mark.parametrize(("lat", "lon"), [(48.86, 2.35), (35.68, 139.69), (-33.87, 151.21)])
def test_abroad_nothing_is_shifted(lat: float, lon: float) -> None:
    assert gcj02_to_wgs84(lat, lon) == (lat, lon)
    assert wgs84_to_gcj02(lat, lon) == (lat, lon)


# The table


def test_loading_again_changes_nothing(session: Session) -> None:
    load(session)
    again = load(session)
    assert (again.added, again.updated, again.unchanged) == (0, 0, len(shipped_places()))


def test_loading_mends_a_shipped_region(session: Session) -> None:
    load(session)
    _row(session, "320500").name_zh = "蘇州"
    session.flush()
    assert load(session).updated == 1
    assert _row(session, "320500").name_zh == "苏州市"


def test_the_tree_of_the_table_is_the_shipped_tree(session: Session) -> None:
    load(session)
    tree = RegionTree.from_session(session)
    assert len(tree) == len(TREE) == 249 - 3 + 34 + 333 + 70
    assert all(tree.get(place.code) == TREE.get(place.code) for place in shipped_places())


def test_counties_are_imported_under_the_parent_their_code_names(session: Session) -> None:
    done = import_counties(
        session,
        "code,name,name_en,lat,lon,cityCode\n"
        "320583,昆山市,Kunshan,31.39,120.95,3205\n"
        '320585,"太仓市",,,,3205\n'
        "\n"
        "110105,朝阳区,,,,1101\n"
        "429004,仙桃市,,,,4290\n"
        "441900,东莞市,,,,4419\n"
        "810001,中西区,,22.29,114.15,8100\n",
    )
    assert (done.added, done.updated, done.unchanged, done.shipped) == (4, 0, 0, 2)
    tree = RegionTree.from_session(session)
    assert tree.path_name("320583") == "江苏苏州昆山"
    assert tree.path_name("320583", "en") == "Kunshan, Suzhou, Jiangsu"
    assert tree.ancestors("110105") == ("110105", "110000", "CN")
    assert tree.ancestors("810001") == ("810001", "810000", "CN")
    assert tree.level("441900") == "prefecture"
    assert tree.nearest(31.40, 120.95)[0] == "320583"  # type: ignore[index]


def test_a_county_without_a_position_lies_at_its_parent_and_is_never_nearest(
    session: Session,
) -> None:
    import_counties(session, "code,name\n320585,太仓市")
    tree = RegionTree.from_session(session)
    assert _row(session, "320585").lat is None
    assert tree.name("320585", "en") == "太仓市"
    assert tree.position("320585") == tree.position("320500")
    assert tree.nearest(*tree.position("320500")) == ("320500", pytest.approx(0, abs=1e-6))


def test_a_newer_file_renames_and_keeps_what_it_leaves_out(session: Session) -> None:
    import_counties(session, "code,name,name_en,lat,lon\n320583,昆山县,Kunshan,31.39,120.95")
    again = import_counties(session, "code,name\n320583,昆山市")
    assert (again.added, again.updated, again.unchanged) == (0, 1, 0)
    county = _row(session, "320583")
    assert (county.name_zh, county.name_en, county.lat) == ("昆山市", "Kunshan", 31.39)
    same = import_counties(session, "code,name\n320583,昆山市")
    assert (same.added, same.updated, same.unchanged) == (0, 0, 1)


def test_all_wrong_lines_are_named_and_nothing_is_changed(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(Region))
    with pytest.raises(CountiesRefused) as refused:
        import_counties(
            session,
            "\n".join(
                [
                    "\ufeffcode,name,lat,lon",
                    "320583,昆山市,31.39,120.95",
                    "32058,短,,",
                    "990101,无,,",
                    "320599,,,",
                    "320584,吴江市,31.1,",
                    "320585,太仓市,121.1,31.4",
                    "320583,县,,",
                    "329900,某,,",
                    "320586,坏\x00名,,",
                    "320587,多,,,9",
                    "320588,名,nan,121",
                ]
            ),
        )
    problems = refused.value.facts["problems"]
    assert [line for line, _ in problems] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    reasons = [reason for _, reason in problems]
    assert "not a code of 6 digits" in reasons[0]
    assert "no province 99" in reasons[1]
    assert "no name" in reasons[2]
    assert "both" in reasons[3]
    assert "swapped" in reasons[4]
    assert "line 2 already" in reasons[5]
    assert "end in 00" in reasons[6]
    assert "plain characters" in reasons[7]
    assert "header" in reasons[8]
    assert "not in China" in reasons[9]
    assert "Line 3:" in str(refused.value)
    assert session.scalar(select(func.count()).select_from(Region)) == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "header"),
        ("编号,县\n320583,昆山市", "header"),
        ("code,name\n" + "320583,昆山市\n" * (ROWS_MAX + 1), "at most"),
    ],
)
def test_a_file_that_is_no_list_of_counties_is_refused(
    session: Session, text: str, reason: str
) -> None:
    with pytest.raises(CountiesRefused, match=reason):
        import_counties(session, text)


@pytest.mark.parametrize(
    "file",
    [
        "代码,名称,英文名,纬度,经度\n320583,昆山市,Kunshan,31.39,120.95\n".encode("gb18030"),
        "code\tname\tname_en\tlat\tlon\r\n320583\t昆山市\tKunshan\t31.39\t120.95".encode("utf-16"),
        "Counties, as of 2026\n\nCODE;name;name_en;lat;lon\r"
        "３２０５８３;昆山市;Kunshan;31,39;120,95".encode(),
        'sep=,\ncode,name,name_en,lat,lon,,\n="320583",昆山市,Kunshan,31.39,120.95,,\n'.encode(),
    ],
)
def test_a_county_file_is_read_as_spreadsheets_write_it(session: Session, file: bytes) -> None:
    assert import_counties(session, io.BytesIO(file)).added == 1
    county = _row(session, "320583")
    assert (county.name_zh, county.name_en, county.lat, county.lon) == (
        "昆山市", "Kunshan", 31.39, 120.95,
    )  # fmt: skip


def test_a_county_that_is_there_twice_counts_once_and_is_told(session: Session) -> None:
    done = import_counties(session, "code,name\n320583,昆山市\n320585,太仓市\n320583,昆山市\n")
    assert (done.added, done.repeated) == (2, (4,))
