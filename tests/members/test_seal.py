import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from members import seal
from members.errors import BadPhone, CannotUnseal

SECRET = bytes(range(32))

chinese = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
foreign = st.from_regex(r"\+(?!86)[1-9][0-9]{6,14}", fullmatch=True)
e164 = chinese.map(lambda digits: f"+86{digits}") | foreign
noise = st.text(alphabet=" -.()\u3000\u202d\u202c\u00a0", max_size=3)


@given(chinese, st.sampled_from(["", "+86"]), st.lists(noise, min_size=15, max_size=15))
def test_a_chinese_mobile_number_has_one_form_however_it_is_typed(
    digits: str, prefix: str, between: list[str]
):
    number = prefix + digits
    typed = "".join(c + blank for c, blank in zip(number, between, strict=False))
    assert seal.normal(typed) == f"+86{digits}"


def test_full_width_digits_are_digits():
    assert seal.normal("１３８１２３４５６７８") == "+8613812345678"


MOBILES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
]


@pytest.mark.parametrize("phone", MOBILES)
def test_a_mobile_number_of_any_country_has_one_form_and_gets_messages(phone: str):
    number = phonenumbers.parse(phone)
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    link = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966)
    for typed in (phone, international, link, f"00{phone[1:]}", f" {phone} ".replace("+", "＋")):
        assert seal.normal(typed) == phone
    assert seal.takes_messages(phone)


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("+44 07911 123456", "+447911123456"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("+81 090-1234-5678", "+819012345678"),
        ("+39 06 698 12345", "+390669812345"),  # in Italy the zero belongs to the number
        ("+886 0912 345 678", "+886912345678"),
        ("0086 138 1234 5678", "+8613812345678"),
        ("86 138 1234 5678", "+8613812345678"),
        ("(+86)13812345678", "+8613812345678"),
        ("138\u20111234\u20115678", "+8613812345678"),
        ("tel:+86-138-1234-5678", "+8613812345678"),
        ("+86 0138 1234 5678", "+8613812345678"),
    ],
)
def test_one_number_is_one_however_it_is_typed(typed: str, phone: str):
    assert seal.normal(typed) == phone


@pytest.mark.parametrize("phone", ["+390669812345", "+862012345678"])
def test_a_fixed_line_is_somebodys_and_gets_no_messages(phone: str):
    assert seal.normal(phone) == phone
    assert not seal.takes_messages(phone)


def test_forms_of_earlier_releases_are_known():
    assert seal.as_before("+44 07911 123456") == ["+4407911123456"]
    assert seal.as_before("+44 7911 123456") == ["+447911123456", "+4407911123456"]


@given(st.text(alphabet=st.characters(), max_size=100))
def test_whatever_is_typed_is_e164_or_refused(typed: str):
    try:
        phone = seal.normal(typed)
    except BadPhone:
        return
    assert phone[0] == "+"
    assert phone[1:].isascii()
    assert phone[1:].isdigit()
    assert 8 <= len(phone) <= 16
    assert seal.normal(phone) == phone


NOBODYS = ["1381234567", "12812345678", "+8613812345", "85261234567"]
SPECIAL = ["+979123456789", "+88812345678901", "+19005551234", "+8613812345678;ext=5"]
NO_E164 = ["", "+", "+0123456789", "+123456", "+1234567890123456", "9" * 5000]
NO_DIGITS = ["phone", "+85\x00261234567"]


@pytest.mark.parametrize("typed", NOBODYS + SPECIAL + NO_E164 + NO_DIGITS)
def test_what_can_get_no_message_is_refused(typed: str):
    with pytest.raises(BadPhone):
        seal.normal(typed)


def test_a_refusal_does_not_repeat_the_number():
    with pytest.raises(BadPhone) as refusal:
        seal.normal("+8612812345678")
    assert "12812345678" not in f"{refusal.value} {refusal.value.facts}"


def test_a_mask_shows_what_its_owner_recognises():
    assert seal.mask("+8613812345678") == "138****5678"
    assert seal.mask("+85261234567") == "+85****67"


@given(e164)
def test_a_mask_hides_at_least_three_digits_and_keeps_its_length_to_itself(phone: str):
    masked = seal.mask(phone)
    assert "****" in masked
    assert sum(c.isdigit() for c in masked) <= len(phone) - 1 - 3
    assert phone not in masked


@given(e164, st.integers(1, 2**63 - 1))
def test_a_sealed_number_opens_to_itself_and_looks_different_each_time(phone: str, brand_id: int):
    sealed = seal.seal(SECRET, brand_id, phone)
    assert seal.unseal(SECRET, brand_id, sealed) == phone
    assert sealed != seal.seal(SECRET, brand_id, phone)
    assert phone.encode() not in sealed


def test_a_seal_opens_for_no_other_brand_secret_or_bits():
    sealed = seal.seal(SECRET, 1, "+8613812345678")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    tries = [(SECRET, 2, sealed), (bytes(32), 1, sealed), (SECRET, 1, flipped), (SECRET, 1, b"")]
    for secret, brand_id, each in tries:
        with pytest.raises(CannotUnseal):
            seal.unseal(secret, brand_id, each)


@given(e164, e164)
def test_digests_are_equal_exactly_for_the_same_number_brand_and_secret(one: str, other: str):
    digest = seal.digest(SECRET, 1, one)
    assert (digest == seal.digest(SECRET, 1, other)) == (one == other)
    assert digest != seal.digest(SECRET, 2, one)
    assert digest != seal.digest(bytes(32), 1, one)
