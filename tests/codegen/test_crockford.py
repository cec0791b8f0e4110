import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import crockford
from codegen.errors import MalformedSerial

values = st.integers(0, 2**100 - 1)


@given(values)
def test_what_is_encoded_decodes_to_itself(value: int) -> None:
    text = crockford.encode(value)
    assert len(text) == 20
    assert set(text) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert crockford.decode(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0" * 20),
        (31, "0" * 19 + "Z"),
        (32, "0" * 18 + "10"),
        (2**100 - 1, "Z" * 20),
        (sum(digit << 5 * (19 - digit) for digit in range(20)), "0123456789ABCDEFGHJK"),
    ],
)
def test_the_most_significant_digit_comes_first(value: int, text: str) -> None:
    assert crockford.encode(value) == text
    assert crockford.decode(text) == value


@given(values, st.sampled_from(["", " ", "\n", "\t ", "\u3000"]))
def test_lower_case_look_alikes_and_outer_blanks_are_read(value: int, blank: str) -> None:
    text = crockford.encode(value)
    for look_alike in ("IO", "LO", "io", "lo"):
        typed = text.lower().translate(str.maketrans("10", look_alike))
        assert crockford.decode(blank + typed + blank) == value
        assert crockford.normalise(blank + typed + blank) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 19,
        "0" * 21,
        "0" * 19 + "U",
        "0" * 19 + "u",
        "0" * 19 + "-",
        "0" * 10 + " " + "0" * 9,
        "0_0" + "0" * 17,
        "+" + "0" * 19,
        "0" * 19 + "\n1",
        "0" * 19 + "\0",
        "0" * 19 + "ſ",  # upper() makes it S
        "0" * 19 + "ı",  # upper() makes it I
        "0" * 19 + "１",  # a digit to int()
        "0" * 19 + "\ud800",
    ],
)
def test_any_other_length_or_character_is_refused(text: str) -> None:
    with pytest.raises(MalformedSerial):
        crockford.decode(text)


@given(st.characters())
def test_no_character_but_the_accepted_ones_is_read(character: str) -> None:
    accepted = set(string.ascii_letters + string.digits) - set("Uu")
    text = "0" * 10 + character + "0" * 9
    if character in accepted:
        assert crockford.encode(crockford.decode(text)) == crockford.normalise(text)
    else:
        with pytest.raises(MalformedSerial):
            crockford.decode(text)


@pytest.mark.parametrize("value", [-1, 2**100])
def test_a_value_beyond_a_hundred_bits_is_not_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="100"):
        crockford.encode(value)


@given(st.lists(values, max_size=50))
def test_many_are_encoded_as_one_by_one(many: list[int]) -> None:
    high = np.array([value >> 50 for value in many], np.uint64)
    low = np.array([value & (1 << 50) - 1 for value in many], np.uint64)
    texts = crockford.encode_many(high, low)
    assert texts.astype(str).tolist() == [crockford.encode(value) for value in many]
