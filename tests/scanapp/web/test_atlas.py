import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.regions.tree import RegionTree
from core.settings import BadSetting
from scanapp.web.atlas import PROVINCES, check_file, place_of, region_of
from tests.running import free_port
from tests.scanapp.atlas import write_atlas
from tests.scanapp.shop import Street

REGIONS = RegionTree.shipped()
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_atlas(tmp_path_factory.mktemp("atlas") / "v4.mmdb")


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("203.0.113.9", "330000"),
        ("198.51.100.200", "440000"),
        ("::ffff:203.0.113.9", "330000"),
        ("192.0.2.1", "CN"),
        ("192.0.2.17", "810000"),  # Hong Kong, under the code that facts are kept under
        ("192.0.2.33", "JP"),
        ("192.0.2.49", None),  # no country that we know
        ("192.0.2.65", None),
        ("9.9.9.9", None),
        ("2001:db8::1", None),  # in a file of IPv4 networks
        ("", None),
        ("nonsense", None),
    ],
)
def test_an_address_is_in_the_region_that_the_operators_file_says(
    atlas: Path, address: str, region: str | None
) -> None:
    place = place_of(address, atlas, REGIONS)
    assert (place and place.region_code) == region
    assert place is None or (place.source, place.accuracy_m) == ("proxy", None)


def test_a_file_of_both_families_knows_both(tmp_path: Path) -> None:
    file = write_atlas(tmp_path / "v6.mmdb", ip_version=6)
    place = place_of("203.0.113.9", file, REGIONS)
    assert place is not None
    assert place.region_code == "330000"
    assert place_of("2001:db8::1", file, REGIONS) is None


def test_without_a_file_every_place_is_unknown() -> None:
    assert place_of("203.0.113.9", None, REGIONS) is None


def test_every_province_of_iso_3166_is_one_of_ours() -> None:
    assert {REGIONS.level(code) for code in PROVINCES.values()} == {"province"}
    assert len(set(PROVINCES.values())) == 34


@pytest.mark.parametrize(
    ("record", "region"),
    [
        ({"country": "CN", "region": "Zhejiang"}, "330000"),
        ({"country": "China", "country_code": "CN", "region": "Zhejiang Province"}, "330000"),
        ({"country": {"code": "CN"}, "subdivisions": {"iso_code": "CN-ZJ"}}, "330000"),
        ({"country": {"names": {"en": "China"}}, "subdivisions": ["Zhejiang Sheng"]}, "330000"),
        ({"country": {"name": "中国"}, "province": "浙江"}, "330000"),
        ({"country_code": "cn", "province": "浙江省"}, "330000"),
        ({"country": "CN", "subdivisions": [{"names": {"en": "Zhejiang"}}]}, "330000"),
        ({"country": "CN", "subdivisions": "ZJ"}, "330000"),
        ({"country": "CN", "region": "", "region_code": "ZJ"}, "330000"),
        ({"country": "CN", "state": "Guangxi Zhuangzu Zizhiqu"}, "450000"),
        ({"country": "CN", "stateProv": "Ningxia Hui Autonomous Region"}, "640000"),
        ({"country": "CN", "state1": "Nei Mongol"}, "150000"),
        ({"country": "CN", "region": "Tibet"}, "540000"),
        ({"country": "CN", "region": "Beijing Shi"}, "110000"),
        ({"country": "CN", "region": "Atlantis"}, "CN"),
        ({"country": "CN", "subdivisions": [], "region": None}, "CN"),
        ({"country": "CN", "subdivisions": 7, "province": [[{}]]}, "CN"),
        ({"country": "Japan", "region": "Tokyo"}, "JP"),
        ({"country": {"iso_code": "FR"}, "subdivisions": [{"iso_code": "GD"}]}, "FR"),
        ({"country": "Atlantis"}, None),
        ({"country": ["CN"]}, "CN"),
        ({"country": 156}, None),
        ({"country": None, "asn": 4134}, None),
        ("CN", None),
        (None, None),
    ],
)
def test_records_of_other_makers_are_read_as_far_as_they_go(
    record: Any, region: str | None
) -> None:
    assert region_of(record) == region


def test_a_file_cut_short_gives_no_region_and_is_refused_at_the_start(tmp_path: Path) -> None:
    whole = write_atlas(tmp_path / "whole.mmdb")
    check_file(whole)
    cut = tmp_path / "cut.mmdb"
    data = whole.read_bytes()
    metadata = data.rindex(b"\xab\xcd\xefMaxMind.com")
    cut.write_bytes(data[: metadata // 2] + data[metadata:])
    with pytest.raises(BadSetting, match=r"names .*cut\.mmdb, which is no whole"):
        check_file(cut)
    assert place_of("203.0.113.9", cut, REGIONS) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no whole MaxMind-format file"),
        (b"network,country\n203.0.113.0/24,CN\n", "no whole MaxMind-format file"),
        ({"203.0.113.0/24": {"autonomous_system_number": 4134}}, "tells no country"),
    ],
)
def test_a_file_that_can_not_serve_stops_the_start_by_name(
    street: Street, tmp_path: Path, content: Any, told: str
) -> None:
    file = tmp_path / "places.mmdb"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        write_atlas(file, networks=content)
    with pytest.raises(BadSetting, match=rf"YIMA_GEOIP_FILE names .*places\.mmdb.*{told}"):
        street.app_with(geoip_path=file)


def test_the_command_ends_with_the_sentence_and_serves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "places.mmdb"
    file.write_text("network,country")
    secret = base64.b64encode(bytes(32)).decode()
    environ = {
        "YIMA_HOME": str(tmp_path),
        "YIMA_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/yima",
        "YIMA_REDIS_URL": "redis://127.0.0.1:1",
        "YIMA_SECRET_KEY": secret,
        "YIMA_KEY_ENCRYPTION_KEY": secret,
        "YIMA_GEOIP_FILE": str(file),
    }
    command = [sys.executable, "-m", "cli", "web", "--port", str(free_port())]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert f"Error: Setting YIMA_GEOIP_FILE names {file}" in ended.stderr
    assert "Traceback" not in ended.stderr
