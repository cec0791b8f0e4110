from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from codegen import crockford, serial
from codegen.errors import ForgedSerial, MalformedSerial

KEYS = serial.derive(0xA5A5A, bytes(range(32)))
OTHER_SECRET = serial.derive(0xA5A5A, bytes(range(1, 33)))
OTHER_ID = serial.derive(0xA5A5B, bytes(range(32)))

numbers = st.integers(0, 2**32 - 1)
key_ids = st.integers(0, 2**20 - 1)


@given(key_ids, st.binary(min_size=32, max_size=32), numbers)
def test_a_sealed_number_opens_to_itself(key_id: int, secret: bytes, number: int) -> None:
    keys = serial.derive(key_id, secret)
    text = serial.seal(keys, number)
    assert serial.key_id_of(text) == key_id
    assert serial.unseal(keys, text) == number


def test_a_serial_never_changes_between_releases() -> None:
    """Printed codes must open for ever: this fails when layout, labels or version change."""
    printed = {
        0: "MPJTYJSP29549STVS0CN",
        1: "MPJT9ZRKEGYW5PRXCXYT",
        2**32 - 1: "MPJTSQWK5MY0EMV7BHS5",
    }
    assert {number: serial.seal(KEYS, number) for number in printed} == printed


@given(numbers)
def test_a_serial_is_built_as_the_design_says(number: int) -> None:
    cmac = CMAC(algorithms.AES(KEYS.mac))
    cmac.update(b"\0\0\0\1" + KEYS.key_id.to_bytes(4) + number.to_bytes(8))
    tag = cmac.finalize()[:6]
    ctr = Cipher(algorithms.AES(KEYS.enc), modes.CTR(tag + bytes(10))).encryptor()
    masked = bytes(a ^ b for a, b in zip(number.to_bytes(4), ctr.update(bytes(4)), strict=True))
    bits = f"{KEYS.key_id:020b}" + "".join(f"{byte:08b}" for byte in tag + masked)
    assert serial.seal(KEYS, number) == crockford.encode(int(bits, 2))


@given(numbers, st.integers(0, 19), st.sampled_from(crockford.ALPHABET))
def test_any_single_changed_character_is_refused(number: int, place: int, other: str) -> None:
    text = serial.seal(KEYS, number)
    changed = text[:place] + other + text[place + 1 :]
    if changed == text:
        assert serial.unseal(KEYS, changed) == number
    else:
        with pytest.raises(ForgedSerial):
            serial.unseal(KEYS, changed)


@given(numbers, st.integers(0, 18))
def test_two_characters_typed_in_the_wrong_order_are_refused(number: int, place: int) -> None:
    text = serial.seal(KEYS, number)
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if swapped != text:
        with pytest.raises(ForgedSerial):
            serial.unseal(KEYS, swapped)


@given(numbers)
def test_a_serial_opens_however_it_was_typed(number: int) -> None:
    typed = serial.seal(KEYS, number).lower().replace("1", "l").replace("0", "o")
    assert serial.unseal(KEYS, f"  {typed}\n") == number


@given(st.integers(0, 2**100 - 1))
def test_a_guess_is_refused(value: int) -> None:
    guess = KEYS.key_id << 80 | value & (1 << 80) - 1
    with pytest.raises(ForgedSerial):
        serial.unseal(KEYS, crockford.encode(guess))


@pytest.mark.parametrize("keys", [OTHER_SECRET, OTHER_ID], ids=["other secret", "other key_id"])
def test_another_key_opens_nothing(keys: serial.SubKeys) -> None:
    with pytest.raises(ForgedSerial):
        serial.unseal(keys, serial.seal(KEYS, 7))


@pytest.mark.parametrize("text", ["", "ABC", "U" * 20, "0" * 21])
def test_what_is_no_serial_is_called_malformed_and_not_forged(text: str) -> None:
    with pytest.raises(MalformedSerial):
        serial.unseal(KEYS, text)
    with pytest.raises(MalformedSerial):
        serial.key_id_of(text)


def test_a_refusal_does_not_repeat_the_serial() -> None:
    text = serial.seal(OTHER_SECRET, 7)
    with pytest.raises(ForgedSerial) as refusal:
        serial.unseal(KEYS, text)
    assert text not in str(refusal.value)
    assert refusal.value.status == 404


def test_keys_keep_their_secrets_out_of_their_repr() -> None:
    shown = repr(KEYS)
    assert str(KEYS.key_id) in shown
    assert repr(KEYS.mac) not in shown
    assert repr(KEYS.enc) not in shown


def test_the_two_subkeys_differ_and_depend_on_the_secret() -> None:
    assert len({KEYS.mac, KEYS.enc, OTHER_SECRET.mac, OTHER_SECRET.enc}) == 4


def test_keys_serve_many_threads_at_once() -> None:
    def open_some(start: int) -> bool:
        some = range(start, start + 500)
        return all(serial.unseal(KEYS, serial.seal(KEYS, number)) == number for number in some)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(open_some, range(0, 8000, 500)))


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_number_beyond_32_bits_is_not_sealed(number: int) -> None:
    with pytest.raises(ValueError, match="number"):
        serial.seal(KEYS, number)


@pytest.mark.parametrize("key_id", [-1, 2**20])
def test_a_key_id_beyond_20_bits_has_no_keys(key_id: int) -> None:
    with pytest.raises(ValueError, match="key_id"):
        serial.derive(key_id, bytes(32))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_of_another_length_has_no_keys(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        serial.derive(1, bytes(length))


@given(key_ids, numbers)
def test_a_code_id_splits_into_what_it_was_made_of(key_id: int, number: int) -> None:
    code_id = serial.code_id(key_id, number)
    assert serial.split(code_id) == (key_id, number)
    assert 0 <= code_id < 2**63  # PostgreSQL's bigint
