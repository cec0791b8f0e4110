from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import crockford, gs1, link
from codegen.errors import (
    InvalidSscc,
    LostZeros,
    MalformedSerial,
    NotAnItem,
    RoundedNumber,
    Unreadable,
    WrongDigitCount,
    WrongOrderInLink,
)
from codegen.reading import (
    Gtin,
    ItemCode,
    Sscc,
    read,
    read_gtin,
    read_item,
    read_link,
    read_sscc,
    same_lot,
)

HOST = "yima.exampl"
GTIN = "06901234567892"
SERIAL = "GK97SAVTAJW4FDEWHQHV"
CARTON = "376104250021234569"
NAKED = ItemCode(SERIAL)
PATH = f"/01/{GTIN}/21/{SERIAL}"
URL = f"https://{HOST}{PATH}"
ON_PRODUCT = ItemCode(SERIAL, GTIN)

# Twenty digits that begin with 00 are an SSCC; of 10¹² serials not one looks like that.
serials = st.integers(0, 2**100 - 1).map(crockford.encode).filter(lambda s: not s.isdigit())
cases = st.sampled_from(["upper", "lower"])


@given(serials, cases, st.sampled_from(["https", "http"]))
def test_every_written_link_is_read_back(serial: str, letter_case: str, scheme: str) -> None:
    long = link.digital_link(HOST, GTIN, serial, letter_case, scheme)
    short = link.short_link("127.0.0.1:8000", serial, letter_case, scheme)
    assert read(long) == ItemCode(serial, GTIN, HOST)
    assert read(short) == ItemCode(serial, None, "127.0.0.1:8000")


def _grouped(serial: str) -> str:
    return "-".join(serial[start : start + 4] for start in range(0, 20, 4))


SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.lower,
    _grouped,
    lambda serial: _grouped(serial).replace("-", " "),
    lambda serial: _grouped(serial).replace("-", "–"),
    lambda serial: "\u200b".join(serial),
    lambda serial: serial.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}),
    lambda serial: f"01{GTIN}21{serial}",
    lambda serial: f"(01){GTIN}(21){serial}",
    lambda serial: f"（01）{GTIN}（21）{serial}",
    lambda serial: f"01{GTIN}10LOT\x1d21{serial}",
    lambda serial: f"01{GTIN}10LOT21{serial}",
    lambda serial: f"01{GTIN}21{serial}10LOT",
    lambda serial: f"01{GTIN}172612311099<GS>21{serial}",
    lambda serial: f"https://{HOST}/{serial}",
    lambda serial: f"http://{HOST}//{serial}//",
    lambda serial: f"{HOST}/01/{GTIN}/21/{serial}",
    lambda serial: f"01/{GTIN}/21/{serial}/",
    lambda serial: f"/01/{GTIN}//21/{serial}",
    lambda serial: f"HTTPS://{HOST}/01/{GTIN}/22/V1/10/LOT/21/{serial}",
    lambda serial: f"https://{HOST}/01/{GTIN}/10/A%2FB/21/{serial}%0A",
    lambda serial: f"https://{HOST}/01/{GTIN}/21/{serial}?17=261231&x=/01/#top",
]
BEFORE = ["", " ", "\ufeff", "\u200b", "]Q1", "]Q3", "]C1", "]d2", "]d1", "\\000026", "<", "“"]
AFTER = ["", " ", "\n", "\r\n", "\u200b", "。", ".", ">", "”", "）", "，", "\t", "\x1d"]


@given(
    serials,
    st.sampled_from(SPELLINGS),
    st.lists(st.sampled_from(BEFORE), max_size=3).map("".join),
    st.lists(st.sampled_from(AFTER), max_size=3).map("".join),
)
def test_a_good_code_in_any_dress_is_the_same_code(
    serial: str, spelled: Callable[[str], str], before: str, after: str
) -> None:
    assert cast(ItemCode, read(before + spelled(serial) + after)).serial == serial


@given(st.text(max_size=120) | st.text("0129()[]]C1dQ/\x1d<>GS%-.E+,A：２", max_size=60))
def test_no_text_raises_anything_but_the_readers_own_refusal(text: str) -> None:
    for reader in (read, read_item, read_gtin, read_sscc):
        with suppress(Unreadable):
            reader(text)


@pytest.mark.parametrize(
    ("text", "lot"),
    [
        (f"/01/{GTIN}/10/L1/21/{SERIAL}", "L1"),
        (f"/01/{GTIN}/22/V/10/L1/21/{SERIAL}", "L1"),
        (f"/01/{GTIN}/22/V/21/{SERIAL}", None),
        (f"/01/{GTIN}/10/A%2FB/21/{SERIAL}", "A/B"),
        (f"/01/{GTIN}/10/A/B/21/{SERIAL}", "A/B"),  # a server has decoded it
        (f"(01){GTIN}(10)L-1(21){SERIAL}", "L-1"),
        (f"]d201{GTIN}10L1\x1d21{SERIAL}", "L1"),
        (f"]C101{GTIN}10L1{{GS}}21{SERIAL}", "L1"),
    ],
)
def test_the_lot_beside_the_serial_is_told(text: str, lot: str | None) -> None:
    assert read(text) == ItemCode(SERIAL, GTIN, None, lot)


@pytest.mark.parametrize(
    "path",
    [
        f"/01/{GTIN}/21/{SERIAL}/10/L",
        f"/01/{GTIN}/10/L/22/V/21/{SERIAL}",
        f"/01/{GTIN}/21/{SERIAL}/22/V",
    ],
)
def test_a_link_in_another_order_than_the_standards_is_refused(path: str) -> None:
    with pytest.raises(WrongOrderInLink, match="in another order"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        CARTON,
        f"00{CARTON}",
        f"(00){CARTON}",
        "(00) 3 7610425 002123456 9",
        f"]C100{CARTON}",
        f"]d200{CARTON}",
        f"\x1d00{CARTON}",
        f"<FNC1>00{CARTON}",
        f"00{CARTON}02{GTIN}3724",
        f"https://id.gs1.org/00/{CARTON}",
        f"/00/{CARTON}/",
        "３７６１０４２５００２１２３４５６９",
        "3-7610425-002123456-9",
        f"'{CARTON}",
    ],
)
def test_an_sscc_is_read_however_it_is_written(text: str) -> None:
    assert read(text) == Sscc(CARTON)
    assert read_sscc(text) == CARTON
    assert read_item(text) == Sscc(CARTON)


@pytest.mark.parametrize(
    "text",
    [
        "6901234567892",
        GTIN,
        f"(01){GTIN}",
        f"]C101{GTIN}",
        f"]d201{GTIN}",
        f"]E0{GTIN[1:]}",
        f"/01/{GTIN}",
        f"https://{HOST}/01/{GTIN}/10/L",
        "６９０１２３４５６７８９２",
        "690-1234-567892",
        "6901234567892.0",
        "6,901,234,567,892",
        '="6901234567892"',
    ],
)
def test_a_gtin_is_read_however_it_is_written(text: str) -> None:
    assert read(text) == Gtin(GTIN)
    assert read_gtin(text) == GTIN
    with pytest.raises(NotAnItem, match="product's number"):
        read_item(text)


def test_a_gtin_is_found_in_the_link_of_an_item() -> None:
    assert read_gtin(URL) == GTIN


@pytest.mark.parametrize("text", ["6.90123E+12", "6,90123e+12", "3.4E17", "376104250021234000"])
def test_a_number_that_a_spreadsheet_rounded_is_said_to_be_one(text: str) -> None:
    with pytest.raises(RoundedNumber, match="spreadsheet"):
        read(text)


def test_a_number_that_lost_its_zero_in_a_spreadsheet_is_shown_whole() -> None:
    whole = gs1.sscc(0, "7610425", 2123456)
    with pytest.raises(LostZeros, match=f"spreadsheet.*{whole}"):
        read(whole[1:])
    with pytest.raises(LostZeros, match="036000291452"):
        read("36000291452")


@pytest.mark.parametrize("digits", [CARTON[:-1], "1234567", "1" * 25])
def test_digits_in_a_wrong_number_name_the_spreadsheet_that_may_have_dropped_some(
    digits: str,
) -> None:
    with pytest.raises(WrongDigitCount, match=f"{len(digits)} digits.*spreadsheet"):
        read(digits)


@pytest.mark.parametrize("text", ["00123456789012345678", "123456789012345678"])
def test_a_mistyped_sscc_is_never_taken_for_a_serial(text: str) -> None:
    with pytest.raises(InvalidSscc, match="must be 5"):
        read(text)


def test_twenty_digits_are_a_serial_where_a_link_says_so() -> None:
    digits = f"00{CARTON}"
    assert read(f"/01/{GTIN}/21/{digits}") == ItemCode(digits, GTIN)
    assert read_link(GTIN, digits) == ItemCode(digits, GTIN)


@pytest.mark.parametrize(
    ("gtin", "serial"),
    [
        (GTIN, SERIAL),
        (GTIN.lstrip("0"), SERIAL.lower()),
        (GTIN, f"{SERIAL}\n"),
        (GTIN, f"{SERIAL}。"),
        (GTIN, _grouped(SERIAL)),
        (f"{GTIN}\u200b", SERIAL),
        ("０６９０１２３４５６７８９２", SERIAL),
    ],
)
def test_the_parts_of_a_link_are_read_as_the_whole_is(gtin: str, serial: str) -> None:
    assert read_link(gtin, serial) == ON_PRODUCT == read(PATH)


def test_words_before_a_link_are_passed_over() -> None:
    assert read(f"扫码验真：{URL}") == ItemCode(SERIAL, GTIN, HOST)


@pytest.mark.parametrize(
    "text",
    [
        *("", "https://yima.exampl/", "https://yima.exampl", f"https://{SERIAL}"),
        *(f"https:///{SERIAL}", f"ftp://yima.exampl/{SERIAL}"),
        f"javascript:alert(1)//{SERIAL}",
        f"https://user@yima.exampl/{SERIAL}",
        f"https://yima.exampl:99999/{SERIAL}",
        f"https://-yima.exampl/{SERIAL}",
        f"https://一码.exampl/{SERIAL}",
        f"https://yima.exampl{SERIAL}",
        f"https://yima.exampl/more/{SERIAL}",
        f"https://yima.exampl/01/{GTIN}/{SERIAL}",
        f"x01/{GTIN}/21/{SERIAL}",
        f"https://yima.exampl/{SERIAL}0",
        f"https://yima.exampl/{SERIAL[:-1]}U",
        f"https://yima.exampl/{SERIAL}?{'x' * 2048}",
        f"https://yima.exampl/01/06901234567893/21/{SERIAL}",
        *("(01)", "]C1", "()", "%", "[]", "hello"),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_a_wrong_check_digit_in_a_link_says_so() -> None:
    with pytest.raises(Unreadable, match="must be 2"):
        read(f"https://yima.exampl/01/06901234567893/21/{SERIAL}")


def test_a_serial_with_a_character_too_few_says_how_many_it_has() -> None:
    with pytest.raises(MalformedSerial, match="20 letters and digits"):
        read(SERIAL[:-1])


def test_lots_are_the_same_however_they_are_spelled() -> None:
    assert same_lot("l2026-01", "Ｌ2026-01 ")
    assert not same_lot("L1", "L2")
