import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import gs1
from codegen.errors import InvalidGtin, InvalidSscc

digits = st.text("0123456789", min_size=1, max_size=17)

# Published examples: GS1's own pages on check digits, the Digital Link standard, EPC's Tag Data.
PUBLISHED = [
    "6291041500213",
    "8904000210037",
    "9506000134352",
    "036000291452",
    "96385074",
    "10614141000415",
    "376104250021234569",
    "106141412345678908",
]


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_numbers_have_the_check_digit_we_compute(number: str) -> None:
    assert gs1.check_digit(number[:-1]) == int(number[-1])


@given(digits, st.data())
def test_any_single_mistyped_digit_changes_the_check_digit(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(sorted(set("0123456789") - {text[place]})))
    assert gs1.check_digit(text) != gs1.check_digit(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("6291041500213", "06291041500213"),
        ("10614141000415", "10614141000415"),
        (" 6 291041-500213 ", "06291041500213"),
    ],
)
def test_every_length_of_gtin_becomes_fourteen_digits(text: str, gtin: str) -> None:
    assert gs1.gtin14(text) == gtin
    assert gs1.gtin14(gtin) == gtin


def test_a_wrong_check_digit_is_answered_with_the_right_one() -> None:
    with pytest.raises(InvalidGtin, match="its last digit is 4 and must be 3"):
        gs1.gtin14("6291041500214")


@pytest.mark.parametrize("text", ["", "1234567", "629104150021", "6291041500213" * 3, "0" * 10])
def test_a_gtin_of_another_length_or_with_a_lost_digit_is_refused(text: str) -> None:
    with pytest.raises(InvalidGtin):
        gs1.gtin14(text)


@pytest.mark.parametrize(
    "text", ["629104150021X", "６２９１０４１５００２１３", "²" * 13, "-1234567"]
)
def test_a_gtin_with_anything_but_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidGtin):
        gs1.gtin14(text)


@pytest.mark.parametrize("zeros", [8, 12, 13, 14])
def test_a_gtin_of_zeros_is_refused(zeros: int) -> None:
    with pytest.raises(InvalidGtin, match="nothing but zeros"):
        gs1.gtin14("0" * zeros)


@pytest.mark.parametrize(
    "start", ["002", "020", "029", "004", "005", "0981", "099", "00000002", "00000000", "120"]
)
def test_numbers_of_shops_companies_regions_and_coupons_are_restricted(start: str) -> None:
    body = start.ljust(13, "7")
    assert gs1.is_restricted(body + str(gs1.check_digit(body)))


@pytest.mark.parametrize("start", ["0690", "0978", "003", "006", "00000096385", "0629", "1061"])
def test_numbers_of_products_in_all_the_world_are_not_restricted(start: str) -> None:
    body = start.ljust(13, "7")
    assert not gs1.is_restricted(body + str(gs1.check_digit(body)))


def test_an_sscc_is_put_together_from_its_parts() -> None:
    assert gs1.sscc(3, "7610425", 2123456) == "376104250021234569"
    assert gs1.sscc(1, "0614141", 234567890) == "106141412345678908"


@given(
    st.integers(0, 9),
    st.text("0123456789", min_size=4, max_size=12).filter(lambda prefix: prefix.strip("0")),
    st.integers(0, 9999),
)
def test_every_sscc_has_a_right_check_digit(extension: int, prefix: str, reference: int) -> None:
    number = gs1.sscc(extension, prefix, reference)
    assert number.startswith(f"{extension}{prefix}")
    assert gs1.check_sscc(number) == number


@pytest.mark.parametrize(
    ("extension", "prefix", "reference"),
    [
        (10, "7610425", 1),
        (-1, "7610425", 1),
        (1, "761", 1),
        (1, "7" * 13, 1),
        (1, "76A0425", 1),
        (1, "7610425", 10**9),
        (1, "7610425", -1),
        (1, "0000", 1),
        (0, "0000", 0),
    ],
)
def test_parts_that_make_no_sscc_are_refused(extension: int, prefix: str, reference: int) -> None:
    with pytest.raises(InvalidSscc):
        gs1.sscc(extension, prefix, reference)


@pytest.mark.parametrize("text", ["", "37610425002123456", "(01)376104250021234569", "x" * 18])
def test_what_is_no_sscc_is_refused(text: str) -> None:
    with pytest.raises(InvalidSscc):
        gs1.check_sscc(text)


def test_a_mistyped_sscc_is_answered_with_the_right_check_digit() -> None:
    with pytest.raises(InvalidSscc, match="is 8 and must be 9"):
        gs1.check_sscc("376104250021234568")
