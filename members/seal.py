"""Phone numbers: written one way, found by a keyed digest, readable only when unsealed.

Digest and seal are bound to the brand: nobody can tell from two brands' rows, or by moving a row
to another brand, that they speak of one person.
"""

import hmac
import os
import re
import unicodedata

import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from members.errors import BadPhone, CannotUnseal

_HOME = "CN"  # whose numbers may be typed without a country code
# Chinese mobile numbers start with 13 to 19 (numbering plan of the MIIT, 2017).
_CHINESE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_BARE_86 = re.compile(r"(?:00)?86(1[3-9][0-9]{9})")  # typed without the +
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164 §6: at most 15 digits
_TYPED_LONGEST = 64
# A fixed line and a mobile can't be told apart by their numbers in some countries.
_TAKES_MESSAGES = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_PERSONS = _TAKES_MESSAGES | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}
_NONCE_BYTES = 12  # NIST SP 800-38D §5.2.1.1


def normal(typed: str) -> str:
    """The number in E.164 form: `13812345678` and `+86 138-1234-5678` are `+8613812345678`.

    However it is typed, one number is one: with a trunk zero, `00`, `tel:` or full-width digits,
    by the numbering plans that the library `phonenumbers` keeps. Without a country code it must be
    Chinese. Raises `BadPhone`, also for numbers that are nobody's own (premium rates, satellites).
    """
    number = _parsed(typed)
    phone = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if number.extension or not (_is_chinese_mobile(phone) or _type(phone) in _PERSONS):
        raise BadPhone
    return phone


def takes_messages(phone: str) -> bool:
    """Whether an E.164 number is one to which messages are sent: a mobile's, as far as known."""
    return _is_chinese_mobile(phone) or _type(phone) in _TAKES_MESSAGES


def _is_chinese_mobile(phone: str) -> bool:
    """The plan gives new ranges faster than libraries are brought up to date."""
    return phone.startswith("+86") and _CHINESE_MOBILE.fullmatch(phone[3:]) is not None


def _type(phone: str) -> int:
    """What a valid number is; `UNKNOWN` for all others."""
    return int(phonenumbers.number_type(phonenumbers.parse(phone)))


def country(phone: str) -> str:
    """The country (ISO 3166-1) of an E.164 number; `ZZ` if it is none's."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or "ZZ"


def as_before(typed: str) -> list[str]:
    """The forms in which earlier releases kept the number that is typed so.

    They kept a trunk zero, and took every number of the right length.
    """
    wide = unicodedata.normalize("NFKC", typed[:_TYPED_LONGEST])
    bare = "".join(c for c in wide if c not in "-.()\t " and unicodedata.category(c) != "Cf")
    number = _parsed(typed)
    with_trunk = f"+{number.country_code}0{number.national_number}"
    return [form for form in dict.fromkeys((bare, with_trunk)) if _E164.fullmatch(form)]


def _parsed(typed: str) -> phonenumbers.PhoneNumber:
    if len(typed) > _TYPED_LONGEST:
        raise BadPhone
    # NFKC for full-width digits. Address books wrap numbers in invisible direction marks (Cf).
    wide = unicodedata.normalize("NFKC", typed)
    bare = "".join(c for c in wide if unicodedata.category(c) != "Cf").strip()
    if not bare.replace("\t", " ").isprintable():
        raise BadPhone
    # The library takes "86138…" for a number of the home country, which has none so long.
    home = _BARE_86.fullmatch("".join(c for c in bare if c.isdecimal()))
    if home and not bare.startswith("+"):
        bare = f"+86{home[1]}"
    try:
        number = phonenumbers.parse(bare, _HOME)
    except phonenumbers.NumberParseException as error:
        raise BadPhone from error
    return number


def mask(phone: str) -> str:
    """What of an E.164 number may be shown: `138****5678`, from elsewhere `+85****67`."""
    if _is_chinese_mobile(phone):
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
