"""What there is to read: scoped to the brand, and to one distributor where it is the viewer.

Lists come in the order of their code (or login), at most `MOST` at once; `after` turns the page.
Look-ups of many take what one caller holds at once: a page, an import's chunk.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from core import clock, global_names
from core.global_names import NameKind
from identity.models import ApiKey, Brand, Distributor, Operator, OperatorSession, Site

MOST = 500


def brand(session: Session, brand_id: int) -> Brand | None:
    """The brand, if there is one."""
    return session.get(Brand, brand_id)


def brand_by_code(session: Session, code: str) -> Brand | None:
    """The brand that addresses call `code`, if there is one."""
    return session.scalar(select(Brand).where(Brand.code == code)) if _is_text(code) else None


def brands(session: Session, after: str = "", limit: int = MOST) -> list[Brand]:
    """The brands of this installation: for who runs it, no brand may ask."""
    query = select(Brand).where(Brand.code > after).order_by(Brand.code)
    return list(session.scalars(query.limit(min(limit, MOST))))


def distributor(session: Session, brand_id: int, distributor_id: int) -> Distributor | None:
    """The brand's distributor of this id, if there is one."""
    query = select(Distributor).where(Distributor.brand_id == brand_id)
    return session.scalar(query.where(Distributor.id == distributor_id))


def distributors(
    session: Session, brand_id: int, after: str = "", limit: int = MOST
) -> list[Distributor]:
    """The brand's distributors, by code."""
    query = (
        select(Distributor)
        .where(Distributor.brand_id == brand_id, Distributor.code > after)
        .order_by(Distributor.code)
    )
    return list(session.scalars(query.limit(min(limit, MOST))))


def distributors_by_code(
    session: Session, brand_id: int, codes: Collection[str]
) -> dict[str, Distributor]:
    """The brand's distributors among `codes` by code; unknown ones are absent."""
    query = select(Distributor).where(Distributor.brand_id == brand_id)
    found = session.scalars(query.where(Distributor.code.in_(_texts(codes))))
    return {distributor.code: distributor for distributor in found}


def distributors_by_id(
    session: Session, brand_id: int, ids: Collection[int]
) -> dict[int, Distributor]:
    """The brand's distributors among `ids` by id."""
    query = select(Distributor).where(Distributor.brand_id == brand_id)
    found = session.scalars(query.where(Distributor.id.in_(list(ids))))
    return {distributor.id: distributor for distributor in found}


def sites(
    session: Session,
    brand_id: int,
    distributor_id: int | None = None,
    after: str = "",
    limit: int = MOST,
) -> list[Site]:
    """The brand's sites, by code; with `distributor_id` only that company's."""
    query = select(Site).where(Site.brand_id == brand_id, Site.code > after).order_by(Site.code)
    if distributor_id is not None:
        query = query.where(Site.distributor_id == distributor_id)
    return list(session.scalars(query.limit(min(limit, MOST))))


def sites_by_code(session: Session, brand_id: int, codes: Collection[str]) -> dict[str, Site]:
    """The brand's sites among `codes` by code; unknown ones are absent."""
    query = select(Site).where(Site.brand_id == brand_id, Site.code.in_(_texts(codes)))
    return {site.code: site for site in session.scalars(query)}


def sites_by_id(session: Session, brand_id: int, ids: Collection[int]) -> dict[int, Site]:
    """The brand's sites among `ids` by id."""
    query = select(Site).where(Site.brand_id == brand_id, Site.id.in_(list(ids)))
    return {site.id: site for site in session.scalars(query)}


def operators(
    session: Session,
    brand_id: int,
    distributor_id: int | None = None,
    after: str = "",
    limit: int = MOST,
) -> list[Operator]:
    """The brand's operators, by login; with `distributor_id` only that company's."""
    query = (
        select(Operator)
        .where(Operator.brand_id == brand_id, Operator.login > after)
        .order_by(Operator.login)
    )
    if distributor_id is not None:
        query = query.where(Operator.distributor_id == distributor_id)
    return list(session.scalars(query.limit(min(limit, MOST))))


def operator_by_login(session: Session, login: str) -> Operator | None:
    """Whose login it is, of any brand: only for signing in."""
    brand_id = global_names.brand_of(session, NameKind.LOGIN, login)
    if brand_id is None:
        return None
    query = select(Operator).where(Operator.brand_id == brand_id, Operator.login == login)
    return session.scalar(query)


def operator_of_session(session: Session, brand_id: int, session_id: UUID) -> Operator | None:
    """Whose session it is; nobody's once it ended or expired, or the operator was disabled."""
    query = (
        select(Operator)
        .join(
            OperatorSession,
            and_(
                OperatorSession.brand_id == Operator.brand_id,
                OperatorSession.operator_id == Operator.id,
            ),
        )
        .where(OperatorSession.brand_id == brand_id, OperatorSession.id == session_id)
        .where(OperatorSession.ended_at.is_(None), OperatorSession.expires_at > clock.now())
        .where(Operator.disabled_at.is_(None))
    )
    return session.scalar(query)


def sessions_of(session: Session, brand_id: int, operator_id: int) -> list[OperatorSession]:
    """The operator's sessions that are open, newest first, at most 100."""
    query = (
        select(OperatorSession)
        .where(OperatorSession.brand_id == brand_id, OperatorSession.operator_id == operator_id)
        .where(OperatorSession.ended_at.is_(None), OperatorSession.expires_at > clock.now())
        .order_by(OperatorSession.started_at.desc())
    )
    return list(session.scalars(query.limit(100)))


def api_keys(session: Session, brand_id: int, limit: int = MOST) -> list[ApiKey]:
    """The brand's API keys, newest first, revoked ones too."""
    query = select(ApiKey).where(ApiKey.brand_id == brand_id).order_by(ApiKey.id.desc())
    return list(session.scalars(query.limit(min(limit, MOST))))


def _is_text(code: str) -> bool:
    """Whether PostgreSQL can hold it: no NUL, no lone surrogate."""
    return code.isprintable()


def _texts(codes: Collection[str]) -> list[str]:
    return [code for code in codes if _is_text(code)]
