"""Keys with which other systems speak for a brand: `yk_<prefix>_<secret>`."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from core import clock, global_names
from core.errors import NotFound
from core.global_names import NameKind
from identity import naming
from identity.errors import TooManyKeys
from identity.models import ApiKey, Brand

ACTIVE_MOST = 20  # per brand

_SHAPE = re.compile(r"yk_([0-9a-f]{8})_([0-9a-f]{64})", re.ASCII)
_NOBODYS_HASH = bytes(32)


def issue(session: Session, brand_id: int, name: str) -> tuple[ApiKey, str]:
    """The new key and its secret text, which is told now and never again: only a hash is kept.

    Raises `BadName`, `NotFound` (brand), or `TooManyKeys` when 20 are in use.
    """
    name = naming.name("key's name", name)
    # The brand's row is held, so that two at once can't both be the last that fits.
    held = select(Brand.id).where(Brand.id == brand_id).with_for_update(key_share=True)
    if session.scalar(held) is None:
        raise NotFound(what="brand", name=brand_id)
    in_use = select(func.count()).where(ApiKey.brand_id == brand_id, ApiKey.revoked_at.is_(None))
    if (session.scalar(in_use) or 0) >= ACTIVE_MOST:
        raise TooManyKeys(limit=ACTIVE_MOST)
    secret = secrets.token_hex(32)
    prefix = secrets.token_hex(4)
    while not global_names.take(session, NameKind.KEY_PREFIX, prefix, brand_id):
        prefix = secrets.token_hex(4)  # until its 32 random bits are new
    values = {
        "brand_id": brand_id,
        "name": name,
        "prefix": prefix,
        "secret_hash": _hash(secret),
        "created_at": clock.now(),
    }
    key = session.scalars(insert(ApiKey).values(values).returning(ApiKey)).one()
    return key, f"yk_{prefix}_{secret}"


def revoke(session: Session, brand_id: int, api_key_id: int) -> ApiKey:
    """The key, which opens nothing any more; revoking again changes nothing. `NotFound`."""
    query = (
        update(ApiKey)
        .where(ApiKey.brand_id == brand_id, ApiKey.id == api_key_id)
        .values(revoked_at=func.coalesce(ApiKey.revoked_at, clock.now()))
        .returning(ApiKey)
        .execution_options(populate_existing=True)
    )
    key = session.scalar(query)
    if key is None:
        raise NotFound(what="API key", name=api_key_id)
    return key


def all_active(session: Session) -> dict[str, tuple[int, bytes]]:
    """The brand and hash by prefix of every key in use, for `verify`; at most 20 a brand."""
    query = select(ApiKey.prefix, ApiKey.brand_id, ApiKey.secret_hash)
    rows = session.execute(query.where(ApiKey.revoked_at.is_(None)))
    return {prefix: (brand_id, secret_hash) for prefix, brand_id, secret_hash in rows}


def verify(known: Mapping[str, tuple[int, bytes]], presented: str) -> int | None:
    """The brand for which `presented` speaks; nothing when it is no key in use.

    `known` is `all_active`'s answer, kept by the door: no query. Compares in constant time.
    """
    shape = _SHAPE.fullmatch(presented)
    if shape is None:
        return None
    prefix, secret = shape.groups()
    brand_id, expected = known.get(prefix, (None, _NOBODYS_HASH))
    is_right = hmac.compare_digest(_hash(secret), expected)
    return brand_id if is_right else None


def prefix_of(presented: str) -> str | None:
    """The part of a presented key that may be shown and logged; nothing when it is no key."""
    shape = _SHAPE.fullmatch(presented)
    return shape.group(1) if shape else None


def _hash(secret: str) -> bytes:
    # 256 random bits can't be guessed: a slow hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode()).digest()
