"""Findings as a viewer may see them: a brand all of its own, a distributor those about itself."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from antifraud.errors import UnknownFinding, UnknownReport
from antifraud.models import Finding, FindingStep, Report, Status
from identity.models import Brand

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
    session: Session, brand_id: int, finding_id: int, distributor_id: int | None = None
) -> Finding:
    """The finding as it stands now, held until the transaction ends.

    Errors: `UnknownFinding`, also for what belongs to others.
    """
    query = _visible(brand_id, distributor_id).with_for_update()
    return _one(session, query.execution_options(populate_existing=True), finding_id)


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
        .where(FindingStep.brand_id == brand_id, FindingStep.finding_id == finding_id)
        .where(FindingStep.finding_id.in_(visible))
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


def finding_counts(session: Session, brand_id: int) -> dict[str, int]:
    """How many findings of the brand have each status; those that none has are absent."""
    query = select(Finding.status, func.count()).where(Finding.brand_id == brand_id)
    return {row[0]: row[1] for row in session.execute(query.group_by(Finding.status))}


def reports(
    session: Session,
    brand_id: int,
    before_id: int | None = None,
    limit: int = 100,
    states: Collection[str] | None = None,
) -> list[Report]:
    """A page of what consumers reported, newest first, older than `before_id` if that is given.

    A code that nobody's key made belongs to no brand; where there is one brand only, it is about
    that one.
    """
    query = _reports(brand_id, select(Report)).order_by(Report.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Report.id < before_id)
    if states is not None:
        query = query.where(Report.state.in_(states))
    return list(session.scalars(query))


def report(session: Session, brand_id: int, report_id: int) -> Report:
    """The report, if the brand may see it. Raises `UnknownReport`."""
    return _one_report(session, _reports(brand_id, select(Report)), report_id)


def locked_report(session: Session, brand_id: int, report_id: int) -> Report:
    """The same, locked until the transaction ends."""
    query = _reports(brand_id, select(Report)).with_for_update(of=Report)
    return _one_report(session, query, report_id)


def report_counts(session: Session, brand_id: int) -> dict[str, int]:
    """How many of the brand's reports are in each state; states without any are absent."""
    query = _reports(brand_id, select(Report.state, func.count()).select_from(Report))
    return {row[0]: row[1] for row in session.execute(query.group_by(Report.state))}


def _reports(brand_id: int, query: Any) -> Any:
    is_only = select(func.count() == 1).select_from(Brand).scalar_subquery()
    return query.where(or_(Report.brand_id == brand_id, Report.brand_id.is_(None) & is_only))


def _one_report(session: Session, query: Select[Any], report_id: int) -> Report:
    found: Report | None = session.scalars(query.where(Report.id == report_id)).one_or_none()
    if found is None:
        raise UnknownReport(what="report", name=report_id)
    return found


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
