"""Signing keys of brands: made, rotated, revoked, and kept unwrapped in a process' key ring."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from codegen import crockford
from codegen.errors import ForgedSerial, KeyNotFound, WrongKeyEncryptionKey
from codegen.models import SigningKey
from codegen.serial import SubKeys, code_id, derive, key_id_in, number_in
from core import clock, global_names
from core.global_names import NameKind

KEY_ID_LIMIT = 1 << 20
NUMBERS_PER_KEY = 1 << 32
UNKNOWN_KEY_LOOKUP = timedelta(seconds=1)
_LOCK_NAMESPACE = 7_193_002  # any number of our own; keeps two orders of a brand in a row


def issuing_key(session: Session, brand_id: int, kek: bytes, quantity: int) -> SigningKey:
    """The brand's key with room for `quantity` more numbers, locked; a new one when it must be.

    A brand gets a new key each year, when the numbers are used up, or after `rotate`.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_NAMESPACE, brand_id)))
    query = select(SigningKey).where(
        SigningKey.brand_id == brand_id,
        SigningKey.retired_at.is_(None),
        SigningKey.revoked_at.is_(None),
    )
    fresh = {"populate_existing": True}  # another process may have issued since we last looked
    for key in session.scalars(query.with_for_update(), execution_options=fresh):
        has_room = key.next_number + quantity <= NUMBERS_PER_KEY
        if has_room and key.created_at.year == clock.now().year:
            return key
        key.retired_at = clock.now()
    return _create(session, brand_id, kek)


def rotate(session: Session, brand_id: int, kek: bytes) -> SigningKey:
    """The brand's new key; the old ones still open serials, they no longer issue."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_NAMESPACE, brand_id)))
    session.execute(
        update(SigningKey)
        .where(SigningKey.brand_id == brand_id, SigningKey.retired_at.is_(None))
        .values(retired_at=clock.now())
    )
    return _create(session, brand_id, kek)


def revoke(session: Session, brand_id: int, key_id: int) -> None:
    """Every code of the key is void from now on: its secret leaked. Raises `KeyNotFound`."""
    key = session.get(SigningKey, (brand_id, key_id))
    if key is None:
        raise KeyNotFound(key_id=key_id)
    key.retired_at = key.retired_at or clock.now()
    key.revoked_at = key.revoked_at or clock.now()


def sub_keys(key: SigningKey, kek: bytes) -> SubKeys:
    """The key's two working keys; raises `WrongKeyEncryptionKey` when `kek` did not wrap it."""
    return derive(key.key_id, _unwrap(kek, key.key_id, key.wrapped_secret))


def _create(session: Session, brand_id: int, kek: bytes) -> SigningKey:
    # Random, so that an id says nothing about the brand's age.
    key_id = secrets.randbelow(KEY_ID_LIMIT)
    while not global_names.take(session, NameKind.SIGNING_KEY, str(key_id), brand_id):
        key_id = secrets.randbelow(KEY_ID_LIMIT)
    key = SigningKey(
        key_id=key_id,
        brand_id=brand_id,
        wrapped_secret=aes_key_wrap(kek, secrets.token_bytes(32)),
        next_number=0,
        created_at=clock.now(),
    )
    session.add(key)
    session.flush()
    return key


def _unwrap(kek: bytes, key_id: int, wrapped: bytes) -> bytes:
    try:
        return aes_key_unwrap(kek, wrapped)
    except InvalidUnwrap as error:
        raise WrongKeyEncryptionKey(key_id=key_id) from error


@dataclass(frozen=True, slots=True)
class Opened:
    """What a serial says of itself."""

    code_id: int
    brand_id: int
    serial: str


@dataclass(frozen=True, slots=True)
class _Known:
    brand_id: int
    keys: SubKeys
    revoked: bool


class KeyRing:
    """The process' copy of all keys, so that opening a serial costs no query.

    A key that it does not know is looked up in the database at most once a second, whatever
    comes in; `refresh` brings revocations.
    """

    def __init__(self, sessions: sessionmaker[Session], kek: bytes) -> None:
        self._sessions = sessions
        self._kek = kek
        self._known: dict[int, _Known] = {}
        self._looked_up_at: datetime | None = None
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """The ring holds all keys as the database has them now; one query."""
        with self._lock:
            self._read()

    def open(self, serial: str) -> Opened:
        """What the normalised serial holds.

        Raises `MalformedSerial` when it is no serial at all, `ForgedSerial` when none of the
        keys in force sealed it.
        """
        value = crockford.decode(serial)
        key_id = key_id_in(value)
        known = self._known.get(key_id)
        if known is None and self._may_look_up():
            with self._lock:  # whoever waited here has most likely been answered meanwhile
                if self._may_look_up():
                    self._read()
            known = self._known.get(key_id)
        if known is None or known.revoked:
            raise ForgedSerial()
        return Opened(code_id(key_id, number_in(known.keys, value)), known.brand_id, serial)

    def _may_look_up(self) -> bool:
        # Either way, because a clock that was put back must not shut the ring for long.
        before = self._looked_up_at
        return before is None or abs(clock.now() - before) >= UNKNOWN_KEY_LOOKUP

    def _read(self) -> None:
        try:
            with self._sessions() as session:
                rows = session.execute(_ALL_KEYS).all()
        finally:
            self._looked_up_at = clock.now()  # afterwards: a database that hangs is let alone too
        before = self._known
        self._known = {
            key_id: _Known(
                brand_id,
                before[key_id].keys
                if key_id in before
                else derive(key_id, _unwrap(self._kek, key_id, wrapped)),
                revoked_at is not None,
            )
            for key_id, brand_id, wrapped, revoked_at in rows
        }


_ALL_KEYS = select(
    SigningKey.key_id, SigningKey.brand_id, SigningKey.wrapped_secret, SigningKey.revoked_at
)
