import ipaddress

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from core.settings import Network
from scanapp.web.address import client_address

PROXIES: tuple[Network, ...] = (
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("fd00::/8"),
)


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
        ("10.0.0.1", "203.0.113.9:52144", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9:1, 10.0.0.2:443", "203.0.113.9"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", '"[2001:DB8::1]:443"', "2001:db8::1"),
        ("fd00::1", '"[2001:db8::1]"', "2001:db8::1"),
        ("fd00::1", "[2001:db8::1]", "2001:db8::1"),
        ("fd00::1", 'for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "[::ffff:203.0.113.9]:443", "203.0.113.9"),
        ("10.0.0.1:443", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, unknown", ""),
        ("10.0.0.1", "203.0.113.9, [2001:db8::1", ""),
        ("10.0.0.1", "203.0.113.9, " + "1" * 5000, ""),
        ("10.0.0.1", "203.0.113.7, " * 50_000 + "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9" + ", 10.0.0.2" * 50_000, ""),
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


def test_what_can_not_be_read_is_told_once_for_each_proxy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3):
        client_address(request("10.11.12.13", "unknown"), PROXIES)
        client_address(request("10.11.12.14", "203.0.113.9, _hidden"), PROXIES)
    assert [line.args for line in caplog.records] == [("10.11.12.13",), ("10.11.12.14",)]
    assert "hidden" not in caplog.text


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=100))
def test_whatever_the_header_says_the_client_is_an_address_or_unknown(forwarded: str) -> None:
    found = client_address(request("10.0.0.1", forwarded), PROXIES)
    assert found == "" or ipaddress.ip_address(found)
