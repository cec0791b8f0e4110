import pytest

from codegen import link
from codegen.errors import InvalidGtin, InvalidHost

HOST = "yima.exampl"
GTIN = "06901234567892"
SERIAL = "0123456789ABCDEFGHJK"


def test_a_digital_link_is_written_in_upper_case() -> None:
    url = link.digital_link(HOST, "6901234567892", SERIAL)
    assert url == f"HTTPS://YIMA.EXAMPL/01/{GTIN}/21/{SERIAL}"
    assert len(url) == 61


def test_a_short_link_has_the_serial_alone() -> None:
    assert link.short_link("yima.test", SERIAL) == f"HTTPS://YIMA.TEST/{SERIAL}"
    assert len(link.short_link("yima.test", SERIAL)) == 38


def test_lower_case_is_for_scheme_and_host_not_for_the_serial() -> None:
    url = link.digital_link("Yima.Exampl", GTIN, SERIAL, letter_case="lower")
    assert url == f"https://yima.exampl/01/{GTIN}/21/{SERIAL}"


def test_a_demonstration_may_use_http_and_a_port() -> None:
    url = link.short_link("127.0.0.1:8000", SERIAL, "lower", scheme="http")
    assert url == f"http://127.0.0.1:8000/{SERIAL}"


@pytest.mark.parametrize("host", ["example.com", "a-b.CN", "127.0.0.1", "localhost:5000", "x:1"])
def test_a_host_is_a_name_or_address_with_or_without_a_port(host: str) -> None:
    assert link.check_host(host) == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        *("", "a b", "a/b", "a..b", ".a", "a.", "-a", "a-", "a_b", "a?b", "a\n", "[::1]"),
        *("a:", "a:0", "a:65536", "a:b", "http://a", "u@a", "一码.cn"),
        *("a" * 64, ".".join(["a" * 60] * 5)),
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidHost):
        link.prefix(host, None)


def test_a_link_is_not_written_for_a_wrong_gtin() -> None:
    with pytest.raises(InvalidGtin, match="must be 2"):
        link.digital_link(HOST, "06901234567893", SERIAL)


@pytest.mark.parametrize(("letter_case", "scheme"), [("title", "https"), ("upper", "ftp")])
def test_another_letter_case_or_scheme_is_a_mistake(letter_case: str, scheme: str) -> None:
    with pytest.raises(ValueError, match="scheme"):
        link.prefix(HOST, None, letter_case, scheme)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "yima", "127.0.0.1", "10.0.0.7:8000", "2130706433", "127.1", "0x7f.0x1",
        "db.internal", "Printer.LOCAL", "shop.lan", "qr.home.arpa", "qr.corp", "nas.intranet",
        "a.localhost", "qr.test", "yima.example", "example.com", "qr.example.org",
        "qr.lanting.cn:8443", "qr.lanting.cn:443",
    ],
)  # fmt: skip
def test_a_host_that_the_public_would_not_reach_is_doubted(host: str) -> None:
    assert link.doubt(host) is not None


@pytest.mark.parametrize(
    "host",
    ["qr.lanting.cn", "LANTING.COM", "xn--fiqs8s.cn", "local.cn", "1688.com", "a.xn--fiqs8s"],
)
def test_a_public_host_is_not_doubted(host: str) -> None:
    assert link.doubt(host) is None
