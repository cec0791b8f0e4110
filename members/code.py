"""One-time codes: proof that who types the code reads the messages of the phone."""

import hmac
import math
import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFound, YimaError
from identity import queries as identities
from identity import throttle
from members import seal, turn
from members.errors import (
    BadPhone,
    CountryNotServed,
    MalformedCode,
    NoLiveCode,
    TooManyCodes,
    WrongCode,
)
from members.models import OneTimeCode
from members.sender import Sender

LIFE = timedelta(minutes=5)
PAUSE = timedelta(seconds=60)
PER_HOUR = 5
ATTEMPTS_MOST = 5
PER_SOURCE = 30  # in 15 minutes: a shop's visitors share an address
HOME = "CN"
PER_HOME = 20_000  # an hour and brand: a campaign's evening
PER_COUNTRY = 60  # an hour and brand, to each other country

_TYPED_LONGEST = 64
_SIX_DIGITS = re.compile(r"[0-9]{6}")


@dataclass(frozen=True)
class Confirmation:
    """Whether the code was right; if not, how often it may still be tried (0: ask for a new)."""

    confirmed: bool
    attempts_left: int = 0

    @property
    def refusal(self) -> YimaError | None:
        """What to tell who was refused; nothing when the code was right."""
        if self.confirmed:
            return None
        if self.attempts_left:
            return WrongCode(attempts_left=self.attempts_left)
        return NoLiveCode()


def request(
    session: Session,
    brand_id: int,
    phone: str,
    sender: Sender,
    secret: bytes,
    language: str = "zh",
    source: str | None = None,
    visitor_id: UUID | None = None,
    countries: Collection[str] = (),
) -> None:
    """A new code of six digits goes to the phone; it lives 5 minutes, older ones no longer count.

    It is for the browser `visitor_id` alone, so nobody can use up another's attempts. A phone gets
    one per 60 seconds and 5 per hour from a brand; a `source` (a keyed digest of the address, never
    the address) causes 30 per 15 minutes, whatever the phones; a brand sends `PER_COUNTRY` an hour
    to each country but China. `countries` (ISO 3166-1) are the only ones that get codes, if any.
    Raises `BadPhone`, `CountryNotServed`, `TooManyCodes`, `NotFound` (brand), and what the sender
    raises.
    """
    phone = seal.normal(phone)
    if not seal.takes_messages(phone):
        raise BadPhone
    country = seal.country(phone)
    if countries and country not in countries:
        raise CountryNotServed(country=country)
    brand = identities.brand(session, brand_id)
    if brand is None:
        raise NotFound(what="brand", name=brand_id)
    subject = seal.digest(secret, brand_id, phone)
    turn.take(session, subject)
    wait_seconds = _wait_seconds(session, brand_id, subject)
    if source is not None and not wait_seconds:
        wait_seconds = throttle.count(session, f"code:{source[:128]}", PER_SOURCE)
    wait_seconds = wait_seconds or _ceiling(session, brand_id, country)
    if wait_seconds:
        raise TooManyCodes(wait_seconds=wait_seconds)
    code = f"{secrets.randbelow(1_000_000):06d}"
    now = clock.now()
    values = {
        "brand_id": brand_id,
        "subject_digest": subject,
        "visitor_id": visitor_id,
        "code_digest": seal.code_digest(secret, subject, code),
        "sent_at": now,
        "expires_at": now + LIFE,
    }
    session.execute(insert(OneTimeCode).values(values))
    brand_name = brand.name_zh if language == "zh" else brand.name_en
    sender.send(phone, code, brand_name, language)


def confirm(
    session: Session,
    brand_id: int,
    phone: str,
    code: str,
    secret: bytes,
    visitor_id: UUID | None = None,
) -> Confirmation:
    """Whether `code` is the newest sent to the phone for this browser.

    A value, so that the attempt stays counted.

    A code works once, within 5 minutes, and survives 4 wrong attempts; the fifth ends it.
    Raises `BadPhone` or `MalformedCode` (not six digits), which count nothing.
    """
    phone = seal.normal(phone)
    typed = "".join(unicodedata.normalize("NFKC", code[:_TYPED_LONGEST]).split())
    if len(code) > _TYPED_LONGEST or not _SIX_DIGITS.fullmatch(typed):
        raise MalformedCode
    subject = seal.digest(secret, brand_id, phone)
    row = _count_attempt(session, brand_id, subject, visitor_id)
    if row is None:
        return Confirmation(confirmed=False)
    code_id, expected, attempts = row
    if not hmac.compare_digest(expected, seal.code_digest(secret, subject, typed)):
        return Confirmation(confirmed=False, attempts_left=ATTEMPTS_MOST - attempts)
    _use(session, brand_id, code_id)
    return Confirmation(confirmed=True)


def purge(session: Session, limit: int = 10_000) -> int:
    """How many codes sent more than a day ago were deleted, at most `limit`."""
    old = (
        select(OneTimeCode.brand_id, OneTimeCode.id)
        .where(OneTimeCode.sent_at < clock.now() - timedelta(days=1))
        .limit(limit)
    )
    query = (
        delete(OneTimeCode)
        .where(tuple_(OneTimeCode.brand_id, OneTimeCode.id).in_(old))
        .execution_options(synchronize_session=False)
    )
    return session.execute(query).rowcount  # type: ignore[attr-defined]


def _count_attempt(
    session: Session, brand_id: int, subject: bytes, visitor_id: UUID | None
) -> Row[int, bytes, int] | None:
    """Id, digest and attempts of the browser's newest code, if it lives: one attempt more.

    Counted first and only then compared: of many guesses at once, five get a comparison.
    """
    newest = (
        select(OneTimeCode.id)
        .where(OneTimeCode.brand_id == brand_id, OneTimeCode.subject_digest == subject)
        .where(OneTimeCode.visitor_id.is_not_distinct_from(visitor_id))
        .order_by(OneTimeCode.sent_at.desc(), OneTimeCode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    counted = (
        update(OneTimeCode)
        .where(
            OneTimeCode.brand_id == brand_id,
            OneTimeCode.id == newest,
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > clock.now(),
            OneTimeCode.attempts < ATTEMPTS_MOST,
        )
        .values(attempts=OneTimeCode.attempts + 1)
        .returning(OneTimeCode.id, OneTimeCode.code_digest, OneTimeCode.attempts)
        .execution_options(synchronize_session=False)
    )
    return session.execute(counted).one_or_none()


def _use(session: Session, brand_id: int, code_id: int) -> None:
    """The code no longer counts. Its row is ours since the attempt was counted."""
    session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.brand_id == brand_id, OneTimeCode.id == code_id)
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _ceiling(session: Session, brand_id: int, country: str) -> int:
    """The seconds until the brand may send to the country again; 0 for now, which is counted.

    Who has codes sent to numbers all over the world earns by each message, and needs no answer.
    """
    ceiling = PER_HOME if country == HOME else PER_COUNTRY
    subject = f"codes:{brand_id}:{country}"
    return throttle.count(session, subject, ceiling, timedelta(hours=1))


def _wait_seconds(session: Session, brand_id: int, subject: bytes) -> int:
    """The seconds until the subject may get its next code; 0 for now."""
    now = clock.now()
    query = (
        select(OneTimeCode.sent_at)
        .where(OneTimeCode.brand_id == brand_id, OneTimeCode.subject_digest == subject)
        .where(OneTimeCode.sent_at > now - timedelta(hours=1))
        .order_by(OneTimeCode.sent_at.desc())
        .limit(PER_HOUR)
    )
    sent: list[datetime] = list(session.scalars(query))
    free_at = [now]
    if sent:
        free_at.append(sent[0] + PAUSE)
    if len(sent) == PER_HOUR:
        free_at.append(sent[-1] + timedelta(hours=1))
    return math.ceil((max(free_at) - now).total_seconds())
