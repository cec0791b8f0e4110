"""Passwords: Argon2id (RFC 9106) hashes, never the password."""

import functools
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from identity.errors import BadPassword, CommonPassword

SHORTEST = 10
LONGEST = 256
JUDGED_CHARACTERS = 64  # more cost time and hide nothing that is guessed first
LEAST_SCORE = 2  # of 4: more than 10^6 guesses, slowed down by `sign_in` to years

# OWASP Password Storage Cheat Sheet, "Argon2id": 19 MiB, 2 passes, 1 lane. About 20 ms.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash(password: str, login: str = "") -> str:
    """A salted hash of 10 to 256 printable characters.

    Raises `BadPassword` for fewer, more or other ones, and `CommonPassword` for what is guessed
    first: the login, words and rows of keys, and what leaked elsewhere (NIST SP 800-63B, 3.1.1.2).
    """
    plain = _same(password)
    if plain is None or not SHORTEST <= len(plain) <= LONGEST or not plain.isprintable():
        raise BadPassword(shortest=SHORTEST, longest=LONGEST)
    names = [login, *login.replace("@", " ").replace(".", " ").split()]
    found = zxcvbn(plain[:JUDGED_CHARACTERS], user_inputs=[name for name in names if name])
    if found["score"] < LEAST_SCORE or (login and login.lower() in plain.lower()):
        raise CommonPassword()
    return _hasher.hash(plain)


def rehash(password: str) -> str:
    """A hash at today's costs of a password that was accepted before."""
    return _hasher.hash(_same(password) or "")


def verify(stored: str | None, password: str) -> bool:
    """Whether `password` is the one of the hash `stored`.

    Nothing stored (an unknown login) costs the same time and is false, so that an answer's speed
    doesn't tell which logins exist.
    """
    plain = _same(password)
    if stored is None or plain is None or len(plain) > LONGEST:
        _matches(_nobodys(), "")
        return False
    return _matches(stored, plain)


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(stored)


def _matches(stored: str, plain: str) -> bool:
    try:
        return _hasher.verify(stored, plain)
    except (VerificationError, InvalidHashError):
        return False


@functools.cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def _same(password: str) -> str | None:
    """One form for what looks the same (full-width digits of an input method, for one).

    NFKC as NIST SP 800-63B §3.1.1.2 asks; nothing for what isn't text (lone surrogates)
    or is longer than any password.
    """
    if len(password) > LONGEST:  # before normalising, which takes time by the length's square
        return None
    plain = unicodedata.normalize("NFKC", password)
    return None if any("\ud800" <= c <= "\udfff" for c in plain) else plain
