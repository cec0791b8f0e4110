"""The sealed serial of one item: derived from a key and a number, opened without a database.

A serial is 100 bits: key_id (20, readable), tag (48), masked number (32). Tag and mask are the
SIV composition of RFC 5297 with a truncated tag; the tag is AES-128-CMAC (RFC 4493, SP 800-38B).
A guess is right with probability 2**-48 times the share of numbers issued. The mask hides order
and volume only below about 2**24 codes a key: nothing may rely on numbers being secret.
"""

import hmac
import threading
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from codegen import crockford
from codegen.errors import ForgedSerial

FORMAT_VERSION = 1
KEY_ID_BITS = 20
TAG_BITS = 48
NUMBER_BITS = 32
SECRET_BYTES = 32

_TAG_BYTES = TAG_BITS // 8
_NUMBER_BYTES = NUMBER_BITS // 8
_NUMBER_MASK = (1 << NUMBER_BITS) - 1
_TAG_PADDING = bytes(16 - _TAG_BYTES)


@dataclass(frozen=True)
class SubKeys:
    """The two AES-128 keys of one key_id; opens and seals, safe to share between threads."""

    key_id: int
    mac: bytes = field(repr=False)
    enc: bytes = field(repr=False)
    # Prepared once. A context of `cryptography` that two threads update at the same time fails: of
    # the one each takes a copy, the other (whole blocks leave nothing behind in it) they share in
    # turns.
    _cmac: CMAC = field(init=False, repr=False, compare=False)
    _aes: CipherContext = field(init=False, repr=False, compare=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.key_id >> KEY_ID_BITS:
            raise ValueError(f"a key_id is 0 to 2**{KEY_ID_BITS} - 1")
        object.__setattr__(self, "_cmac", CMAC(algorithms.AES128(self.mac)))
        cipher = Cipher(algorithms.AES128(self.enc), modes.ECB())
        object.__setattr__(self, "_aes", cipher.encryptor())

    def tag(self, number: int) -> bytes:
        """The first 48 bits of the CMAC over `message_block`."""
        cmac = self._cmac.copy()
        cmac.update(message_block(self.key_id, number))
        return cmac.finalize()[:_TAG_BYTES]

    def mask(self, tag: bytes) -> int:
        """The first 32 bits of the AES-CTR keystream that starts at the tag padded with zeros.

        That is the start of one AES block, so the counter mode's own set-up is spared.
        """
        with self._turn:
            keystream = self._aes.update(tag + _TAG_PADDING)
        return int.from_bytes(keystream[:_NUMBER_BYTES])


def derive(key_id: int, secret: bytes) -> SubKeys:
    """The sub-keys of a key's 32-byte secret, by HKDF-SHA256 (RFC 5869) under two labels."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a key's secret has {SECRET_BYTES} bytes")
    mac, enc = (
        HKDF(algorithm=SHA256(), length=16, salt=None, info=label).derive(secret)
        for label in (b"yima serial 1 mac", b"yima serial 1 enc")
    )
    return SubKeys(key_id, mac, enc)


def message_block(key_id: int, number: int) -> bytes:
    """The 16 bytes that the tag covers: version (32 bits), key_id (32), number (64), big-endian.

    Exactly one full AES block, which is what lets `issue` make the tags of a chunk in one call.
    """
    return (FORMAT_VERSION << 96 | key_id << 64 | number).to_bytes(16)


def seal(keys: SubKeys, number: int) -> str:
    """The serial of `number` (0 to 2**32 - 1): 20 Crockford characters, always the same."""
    if number >> NUMBER_BITS:
        raise ValueError(f"a number is 0 to 2**{NUMBER_BITS} - 1")
    tag = keys.tag(number)
    masked = number ^ keys.mask(tag)
    return crockford.encode(
        keys.key_id << TAG_BITS + NUMBER_BITS | int.from_bytes(tag) << NUMBER_BITS | masked
    )


def key_id_of(serial: str) -> int:
    """The key_id that the serial names, unproven. Raises MalformedSerial."""
    return key_id_in(crockford.decode(serial))


def key_id_in(value: int) -> int:
    """The key_id that a decoded serial names, unproven."""
    return value >> TAG_BITS + NUMBER_BITS


def unseal(keys: SubKeys, serial: str) -> int:
    """The number in the serial, proven to be sealed with `keys`.

    Raises MalformedSerial for a wrong shape and ForgedSerial for another key or a wrong tag,
    compared in constant time.
    """
    return number_in(keys, crockford.decode(serial))


def number_in(keys: SubKeys, value: int) -> int:
    """The number in a serial whose characters are decoded, proven like `unseal` does."""
    if key_id_in(value) != keys.key_id:
        raise ForgedSerial()
    tag = (value >> NUMBER_BITS & (1 << TAG_BITS) - 1).to_bytes(_TAG_BYTES)
    number = value & _NUMBER_MASK ^ keys.mask(tag)
    if not hmac.compare_digest(tag, keys.tag(number)):
        raise ForgedSerial()
    return number


def code_id(key_id: int, number: int) -> int:
    """The code's id in every table: key_id and number in one bigint (52 bits used)."""
    return key_id << NUMBER_BITS | number


def split(code_id: int) -> tuple[int, int]:
    """The key_id and the number in a code's id."""
    return code_id >> NUMBER_BITS, code_id & _NUMBER_MASK
