"""Phone numbers: written one way, found by a keyed digest, readable only when unsealed.

Digest and seal are bound to the brand: nobody can tell from two brands' rows, or by moving a row
to another brand, that they speak of one person.
"""

import hmac
import os
import re
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from members.errors import BadPhone, CannotUnseal

# Chinese mobile numbers start with 13 to 19 (numbering plan of the MIIT, 2017).
_CHINESE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164 §6: at most 15 digits
_TYPED_LONGEST = 64
_BLANK = frozenset({"Zs", "Cf"})  # Unicode categories: spaces, invisible marks
_NONCE_BYTES = 12  # NIST SP 800-38D §5.2.1.1


def normal(typed: str) -> str:
    """The number in E.164 form: `13812345678` and `+86 138-1234-5678` are `+8613812345678`.

    Without + it must be a Chinese mobile number; with +86 too, for no other gets a message.
    Raises `BadPhone`.
    """
    if len(typed) > _TYPED_LONGEST:
        raise BadPhone
    # NFKC for full-width digits. Address books wrap numbers in invisible direction marks (Cf).
    wide = unicodedata.normalize("NFKC", typed)
    bare = "".join(c for c in wide if c not in "-.()\t" and unicodedata.category(c) not in _BLANK)
    if _CHINESE_MOBILE.fullmatch(bare):
        return f"+86{bare}"
    if not _E164.fullmatch(bare):
        raise BadPhone
    if bare.startswith("+86") and not _CHINESE_MOBILE.fullmatch(bare[3:]):
        raise BadPhone
    return bare


def mask(phone: str) -> str:
    """What of an E.164 number may be shown: `138****5678`, from elsewhere `+85****67`."""
    if phone.startswith("+86") and _CHINESE_MOBILE.fullmatch(phone[3:]):
        return f"{phone[3:6]}****{phone[-4:]}"
    return f"{phone[:3]}****{phone[-2:]}"


def digest(secret: bytes, brand_id: int, phone: str) -> bytes:
    """32 bytes that find the E.164 number among the brand's, and tell nothing without `secret`."""
    return hmac.digest(_derive(secret, b"phone digest"), _of_brand(brand_id, phone), "sha256")


def code_digest(secret: bytes, subject_digest: bytes, code: str) -> bytes:
    """32 bytes that recognise a one-time code of the subject."""
    return hmac.digest(_derive(secret, b"one-time code"), subject_digest + code.encode(), "sha256")


def seal(secret: bytes, brand_id: int, phone: str) -> bytes:
    """The number sealed with AES-256-GCM under a fresh nonce; differs each time."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(_derive(secret, b"phone seal"))
    return nonce + cipher.encrypt(nonce, phone.encode(), _of_brand(brand_id))


def unseal(secret: bytes, brand_id: int, sealed: bytes) -> str:
    """The E.164 number; raises `CannotUnseal` when the secret, the brand or a bit differs."""
    cipher = AESGCM(_derive(secret, b"phone seal"))
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, text, _of_brand(brand_id)).decode()
    except (InvalidTag, ValueError) as error:
        raise CannotUnseal from error


def _derive(secret: bytes, label: bytes) -> bytes:
    """A 32-byte key for one use (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=b"yima members " + label).derive(secret)


def _of_brand(brand_id: int, phone: str = "") -> bytes:
    return brand_id.to_bytes(8, "big") + phone.encode()
