import tracemalloc

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import issue, serial
from codegen.errors import NumbersOutOfRange

KEYS = serial.derive(0xC0DE5, bytes(range(32)))


def issued(lo: int, hi: int, chunk: int = issue.CHUNK) -> list[str]:
    return [s for piece in issue.serials(KEYS, lo, hi, chunk) for s in piece.astype(str).tolist()]


def test_a_hundred_thousand_are_the_same_as_sealed_one_by_one() -> None:
    lo, hi = 2**31 - 50_000, 2**31 + 50_000
    assert issued(lo, hi, chunk=4093) == [serial.seal(KEYS, number) for number in range(lo, hi)]


@settings(max_examples=50)
@given(
    st.integers(0, 2**20 - 1),
    st.binary(min_size=32, max_size=32),
    st.one_of(st.integers(0, 300), st.integers(2**32 - 300, 2**32), st.integers(0, 2**32)),
    st.integers(0, 40),
    st.integers(1, 16),
)
def test_any_range_in_any_chunks_is_the_same(
    key_id: int, secret: bytes, lo: int, count: int, chunk: int
) -> None:
    keys = serial.derive(key_id, secret)
    hi = min(lo + count, 2**32)
    pieces = list(issue.serials(keys, lo, hi, chunk))
    assert all(0 < len(piece) <= chunk for piece in pieces)
    assert [s for piece in pieces for s in piece.astype(str).tolist()] == [
        serial.seal(keys, number) for number in range(lo, hi)
    ]


def test_a_million_serials_are_all_different() -> None:
    assert len(np.unique(np.concatenate(list(issue.serials(KEYS, 0, 1_000_000))))) == 1_000_000


def test_neighbouring_numbers_share_nothing_but_the_key_id() -> None:
    first, second = issued(1000, 1002)
    assert first[:4] == second[:4]
    assert sum(a == b for a, b in zip(first[4:], second[4:], strict=True)) < 6


def test_cmac_of_one_block_is_one_aes_block() -> None:
    """RFC 4493, section 4: sub-key generation, and example 2 (a message of 16 bytes)."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    subkey = issue.cmac_subkey(key)
    assert subkey.hex() == "fbeed618357133667c85e08f7236a8de"
    message = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    block = bytes(a ^ b for a, b in zip(message, subkey, strict=True))
    tag = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)
    assert tag.hex() == "070a16b46b4d4144f79bdd9dd04a287c"


@pytest.mark.parametrize("key", [bytes(16), b"\xff" * 16, bytes(range(16))])
def test_the_subkey_is_doubled_with_and_without_a_carry(key: bytes) -> None:
    """Checked against the whole of CMAC, whichever way the first bit of AES(0) falls."""
    keys = serial.SubKeys(1, key, key)
    assert [s for piece in issue.serials(keys, 0, 9) for s in piece.astype(str).tolist()] == [
        serial.seal(keys, number) for number in range(9)
    ]


@pytest.mark.parametrize(("lo", "hi"), [(-1, 5), (5, 4), (0, 2**32 + 1), (2**32 + 1, 2**32 + 1)])
def test_numbers_a_key_does_not_have_are_refused_at_once(lo: int, hi: int) -> None:
    with pytest.raises(NumbersOutOfRange, match="4294967296"):
        issue.serials(KEYS, lo, hi)


def test_an_empty_range_gives_nothing() -> None:
    assert issued(5, 5) == []


def test_memory_does_not_grow_with_the_order() -> None:
    tracemalloc.start()
    for _ in issue.serials(KEYS, 0, 500_000):
        pass
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000_000
