"""Findings as a viewer may see them: a brand all of its own, a distributor those about itself."""

from collections.abc import Collection

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from antifraud.errors import UnknownFinding
from antifraud.models import Finding, FindingStep, Status

# Items of these findings are shown with caution: opened or confirmed, not taken back.
ACCUSING = (Status.OPEN, Status.ANSWERED, Status.CONFIRMED)
ACCUSED_MAX = 100_000


def findings(
    session: Session,
    brand_id: int,
    distributor_id: int | None = None,
    limit: int = 100,
    statuses: Collection[str] | None = None,
) -> list[Finding]:
    """The latest opened findings of the brand, or only those about the distributor."""
    query = _visible(brand_id, distributor_id)
    if statuses is not None:
        query = query.where(Finding.status.in_(statuses))
    query = query.order_by(Finding.opened_at.desc(), Finding.id.desc()).limit(limit)
    return list(session.scalars(query))


def finding(
    session: Session, brand_id: int, finding_id: int, distributor_id: int | None = None
) -> Finding:
    """The finding, if the viewer may see it.

    Errors: `UnknownFinding`, also for what belongs to others.
    """
    return _one(session, _visible(brand_id, distributor_id), finding_id)


def locked_finding(
    session: Session,
    finding_id: int,
    brand_id: int | None = None,
    distributor_id: int | None = None,
) -> Finding:
    """The finding as it stands now, held until the transaction ends.

    Errors: `UnknownFinding`, also for what belongs to others.
    """
    query = select(Finding).with_for_update().execution_options(populate_existing=True)
    if brand_id is not None:
        query = query.where(Finding.brand_id == brand_id)
    if distributor_id is not None:
        query = query.where(Finding.distributor_id == distributor_id)
    return _one(session, query, finding_id)


def steps(
    session: Session,
    brand_id: int,
    finding_id: int,
    distributor_id: int | None = None,
    limit: int = 200,
) -> list[FindingStep]:
    """The finding's latest steps, oldest first; none if the viewer may not see it."""
    visible = _visible(brand_id, distributor_id).with_only_columns(Finding.id)
    query = (
        select(FindingStep)
        .where(FindingStep.finding_id == finding_id, FindingStep.finding_id.in_(visible))
        .order_by(FindingStep.id.desc())
        .limit(limit)
    )
    return list(reversed(list(session.scalars(query))))


def accused_items(session: Session, brand_id: int) -> frozenset[int]:
    """The code ids of items that standing findings show diverted, at most `ACCUSED_MAX`."""
    code_id = func.jsonb_array_elements_text(Finding.evidence["diverted_items"]).label("code_id")
    accused = (
        select(code_id)
        .where(Finding.brand_id == brand_id, Finding.status.in_(ACCUSING))
        .limit(ACCUSED_MAX)
    )
    return frozenset(int(code) for code in session.scalars(accused))


def _visible(brand_id: int, distributor_id: int | None) -> Select[Finding]:
    query = select(Finding).where(Finding.brand_id == brand_id)
    if distributor_id is not None:
        query = query.where(Finding.distributor_id == distributor_id)
    return query


def _one(session: Session, query: Select[Finding], finding_id: int) -> Finding:
    found = session.scalars(query.where(Finding.id == finding_id)).one_or_none()
    if found is None:
        raise UnknownFinding(what="finding", name=finding_id)
    return found
