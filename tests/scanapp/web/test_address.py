import ipaddress
from pathlib import Path

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from core.regions.tree import RegionTree
from core.settings import Network
from scanapp.web.address import PROVINCES, client_address, place_of
from tests.scanapp.atlas import write_atlas

PROXIES: tuple[Network, ...] = (
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("fd00::/8"),
)
REGIONS = RegionTree.shipped()


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_atlas(tmp_path_factory.mktemp("atlas") / "v4.mmdb")


def request(peer: str, forwarded: str | None = None) -> Request:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    environ = EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": peer}).get_environ()
    return Request(environ)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # anybody can write that header
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", " 198.51.100.1 , 203.0.113.9 ", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),  # a socket for both families
        ("10.0.0.1", "unknown", ""),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_vouches_for(
    peer: str, forwarded: str | None, client: str
) -> None:
    assert client_address(request(peer, forwarded), PROXIES) == client


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=100))
def test_whatever_the_header_says_the_client_is_an_address_or_unknown(forwarded: str) -> None:
    found = client_address(request("10.0.0.1", forwarded), PROXIES)
    assert found == "" or ipaddress.ip_address(found)


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
