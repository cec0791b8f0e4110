"""The visitor: a random number in a signed cookie, and the tickets that a page gives it."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

from flask import Response, g, request
from itsdangerous import (
    BadSignature,
    SignatureExpired,
    TimestampSigner,
    URLSafeSerializer,
    URLSafeTimedSerializer,
)

from core import clock
from core.errors import N_, YimaError
from scanapp.web.extensions import settings_of

COOKIE = "yima_visitor"
COOKIE_SECONDS = 400 * 24 * 3600  # the most that browsers keep
BEACON_SECONDS = 30 * 60
CLAIM_SECONDS = 24 * 3600


class StaleTicket(YimaError):
    code = "stale_ticket"
    message = N_("This page was open for too long. Scan the code again, then claim your points.")


class CookiesNeeded(YimaError):
    code = "cookies_needed"
    message = N_(
        "Your browser did not keep our cookie, so points could not stay with you. "
        "Allow cookies for this site, then scan the code again."
    )


class OthersTicket(YimaError):
    code = "others_ticket"
    message = N_(
        "This page was opened before you signed in or out. Scan the code again, then claim your "
        "points."
    )


@dataclass(frozen=True)
class Ticket:
    """What a page shown to a visitor lets that visitor do with the code it was about."""

    serial: str
    gtin: str | None
    visitor_id: uuid.UUID
    lot: str | None = None


def visitor() -> uuid.UUID:
    """The browser's visitor; a new one when it has none, put into its cookie by `keep`."""
    if "visitor_id" not in g:
        known = known_visitor()
        g.visitor_id = known or uuid.uuid4()
        g.visitor_is_new = known is None
    return g.visitor_id


def known_visitor() -> uuid.UUID | None:
    """The visitor in the cookie, or None when there is none that we signed."""
    try:
        return uuid.UUID(_cookies().loads(request.cookies.get(COOKIE, "")))
    except (BadSignature, ValueError, TypeError):
        return None


def become(visitor_id: uuid.UUID) -> None:
    """The browser goes on as this visitor."""
    g.visitor_id, g.visitor_is_new = visitor_id, True


def keep(response: Response) -> Response:
    """Puts a new visitor into the cookie."""
    if g.get("visitor_is_new"):
        response.set_cookie(
            COOKIE,
            _cookies().dumps(g.visitor_id.hex),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=settings_of().cookie_secure,
        )
    return response


def issue(ticket: Ticket) -> str:
    """The ticket as signed text for forms and addresses."""
    named = [ticket.serial, ticket.gtin or "", ticket.visitor_id.hex]
    return str(_tickets().dumps([*named, ticket.lot] if ticket.lot else named))


def redeem(text: str, seconds: int) -> Ticket:
    """The ticket, if it is ours and no older than `seconds`; raises `StaleTicket`."""
    try:
        serial, gtin, visitor_hex, *lot = _tickets().loads(text, max_age=seconds)
    except (SignatureExpired, BadSignature):
        raise StaleTicket() from None
    return Ticket(serial, gtin or None, uuid.UUID(visitor_hex), lot[0] if lot else None)


def redeem_own(text: str) -> Ticket:
    """The claiming visitor's ticket; only the browser that it was given to may use it.

    So it guards against forged requests from other sites as well. Raises `StaleTicket`,
    `CookiesNeeded` or `OthersTicket`.
    """
    ticket = redeem(text, CLAIM_SECONDS)
    known = known_visitor()
    if known is None:
        raise CookiesNeeded()
    if known != ticket.visitor_id:
        raise OthersTicket()
    return ticket


class _OurClockSigner(TimestampSigner):
    """Stamps by the clock that everything else goes by."""

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


def _cookies() -> URLSafeSerializer:
    return _cookies_of(settings_of().secret_key)


def _tickets() -> URLSafeTimedSerializer:
    return _tickets_of(settings_of().secret_key)


@lru_cache(maxsize=4)
def _cookies_of(secret_key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="visitor")


@lru_cache(maxsize=4)
def _tickets_of(secret_key: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="ticket", signer=_OurClockSigner)
