"""People who work with the platform: adding them, their passwords, and ending their access."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core import clock, global_names
from core.errors import NotFound
from core.global_names import NameKind
from identity import naming, queries, sessions
from identity import password as passwords
from identity.errors import (
    BadChoice,
    BadCode,
    DistributorNeeded,
    DistributorNotAllowed,
    NameTaken,
)
from identity.models import Operator, Role

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}")


def login_of(typed: str) -> str | None:
    """The login that was typed, as it is stored; nothing when it can't be one."""
    tidy = typed.strip().lower()
    return tidy if _LOGIN.fullmatch(tidy) else None


def add_operator(
    session: Session,
    brand_id: int,
    login: str,
    name: str,
    role: str,
    password: str,
    distributor_id: int | None = None,
) -> Operator:
    """The new operator; logins are unique across brands, in lower case.

    Raises `BadCode` (login), `BadName`, `BadChoice` (role), `BadPassword`, `DistributorNeeded`,
    `DistributorNotAllowed`, `NotFound` (distributor) or `NameTaken` (login).
    """
    login_stored = login_of(login)
    if login_stored is None:
        rule = "3 to 64 of a-z, 0-9 and . _ @ + -, a letter or digit first"
        raise BadCode(what="login", value=naming.shown(login), rule=rule)
    values = {
        "brand_id": brand_id,
        "distributor_id": distributor_id,
        "login": login_stored,
        "name": naming.name("operator's name", name),
        "role": _role(session, brand_id, role, distributor_id),
        "password_hash": passwords.hash(password, login_stored),
        "created_at": clock.now(),
    }
    if not global_names.take(session, NameKind.LOGIN, login_stored, brand_id):
        raise NameTaken(what="login", name=login_stored)
    return session.scalars(insert(Operator).values(values).returning(Operator)).one()


def change_password(session: Session, brand_id: int, operator_id: int, new: str) -> Operator:
    """The operator with a new password; every session ends.

    Who changes their own proves the present one first through `sign_in`, which counts guesses.
    Raises `BadPassword` or `NotFound`.
    """
    login = session.scalar(
        select(Operator.login).where(Operator.brand_id == brand_id, Operator.id == operator_id)
    )
    values = {"password_hash": passwords.hash(new, login or "")}
    return _change(session, brand_id, operator_id, values)


def disable(session: Session, brand_id: int, operator_id: int) -> Operator:
    """The operator, who can't sign in any more and whose sessions have ended. `NotFound`."""
    return _change(session, brand_id, operator_id, {"disabled_at": clock.now()})


def _change(
    session: Session, brand_id: int, operator_id: int, values: Mapping[str, Any]
) -> Operator:
    query = (
        update(Operator)
        .where(Operator.brand_id == brand_id, Operator.id == operator_id)
        .values(**values)
        .returning(Operator)
        .execution_options(populate_existing=True)
    )
    operator = session.scalar(query)
    if operator is None:
        raise NotFound(what="operator", name=operator_id)
    sessions.end_all(session, brand_id, operator_id)
    return operator


def _role(session: Session, brand_id: int, role: str, distributor_id: int | None) -> str:
    if role not in set(Role):
        raise BadChoice(what="role", value=naming.shown(role), choices=", ".join(Role))
    if role != Role.DISTRIBUTOR:
        if distributor_id is not None:
            raise DistributorNotAllowed(what=f"{role} operator")
    elif distributor_id is None:
        raise DistributorNeeded(what="distributor's operator")
    elif not queries.distributor(session, brand_id, distributor_id):
        raise NotFound(what="distributor", name=distributor_id)
    return Role(role).value
