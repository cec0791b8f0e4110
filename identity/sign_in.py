"""An operator signs in with login and password."""

import hmac
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import YimaError
from identity import password as passwords
from identity import queries, throttle
from identity.errors import TooManyAttempts, WrongCredentials
from identity.models import Operator
from identity.operator import login_of

# An office behind one address has many people, a login has one.
PER_PAIR = 10  # of login and source
PER_LOGIN = 200  # from everywhere: a botnet's guesses
PER_SOURCE = 50


@dataclass(frozen=True)
class SignIn:
    """Who signed in; nobody when refused, with the seconds to wait if it was too often."""

    operator: Operator | None = None
    wait_seconds: int = 0

    @property
    def refusal(self) -> YimaError | None:
        """What to tell who was refused; nothing when somebody signed in."""
        if self.operator is not None:
            return None
        if self.wait_seconds:
            return TooManyAttempts(wait_seconds=self.wait_seconds)
        return WrongCredentials()


def sign_in(session: Session, login: str, password: str, source: str, secret: bytes) -> SignIn:
    """Who signed in, or why nobody did: a value, because its count of failures must be committed.

    Per 15 minutes a login has 10 attempts from one `source`, and 200 from all together, so that a
    stranger's guesses keep nobody out; a source has 50. One that succeeds doesn't count. `source`
    says where from: a keyed digest of the address, never the address. What is stored are digests
    keyed by `secret`. Which of login, password or access was wrong is not told, and takes the
    same time.
    """
    name = login.strip().lower()
    at_source = _digest(secret, "source", source)
    at_pair, at_login = _digest(secret, "pair", f"{source} {name}"), _digest(secret, "login", name)
    # The source first: once it is refused it can no longer count against anybody's login.
    limits = ((at_source, PER_SOURCE), (at_pair, PER_PAIR), (at_login, PER_LOGIN))
    for subject, limit in limits:
        wait_seconds = throttle.count(session, subject, limit)
        if wait_seconds:
            return SignIn(wait_seconds=wait_seconds)
    stored = login_of(login)
    operator = queries.operator_by_login(session, stored) if stored else None
    is_right = passwords.verify(operator.password_hash if operator else None, password)
    if operator is None or not is_right or operator.disabled_at:
        return SignIn()
    throttle.take_back(session, at_source)
    throttle.take_back(session, at_login)
    throttle.clear(session, at_pair)
    if passwords.is_outdated(operator.password_hash):
        operator.password_hash = passwords.rehash(password)
    return SignIn(operator)


def _digest(secret: bytes, kind: str, text: str) -> str:
    said = f"{kind}:{text}".encode("utf-8", "backslashreplace")
    return f"{kind}:{hmac.digest(secret, said, 'sha256').hex()}"
