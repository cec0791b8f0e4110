import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import naming
from identity.errors import BadCode, BadName


def test_blanks_in_a_name_are_tidied_even_ideographic_ones():
    assert naming.name("name", "  青梅　酒\n业 ") == "青梅 酒 业"


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "a\ud800", "a\u202eb", "x" * 81])
def test_a_name_nobody_could_read_is_refused(text):
    with pytest.raises(BadName):
        naming.name("name", text)


@given(st.text(alphabet=st.characters(), max_size=120))
def test_an_accepted_name_is_printable_bounded_and_stays_what_it_is(text):
    try:
        name = naming.name("name", text)
    except BadName:
        return
    assert name.isprintable()
    assert 1 <= len(name) <= 80
    assert naming.name("name", name) == name


@pytest.mark.parametrize("text", ["", "-a", "a-", "a b", "a/b", "青梅", "a" * 41])
def test_a_brand_code_that_no_address_could_hold_is_refused(text):
    with pytest.raises(BadCode):
        naming.brand_code(text)


def test_a_brand_code_is_lower_case():
    assert naming.brand_code(" Plum-9 ") == "plum-9"


def test_a_refused_code_is_shown_without_what_can_not_be_printed():
    with pytest.raises(BadCode) as refusal:
        naming.erp_code("site code", "W1\x00\ud800")
    assert refusal.value.facts["value"] == "W1��"
