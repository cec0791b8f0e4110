"""The console's first page, and work that the worker had to set aside."""

from dataclasses import dataclass, field

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from werkzeug.wrappers import Response

from antifraud import queries as findings
from codegen import queries as codes
from codegen.models import RangeState
from core import outbox
from identity.models import Brand
from identity.permission import may
from rewards import queries as rewards
from rewards.queries import ClaimTotals
from scanapp.brand import words
from scanapp.brand.findings import SEE_FINDINGS
from scanapp.brand.findings.findings import UNDECIDED
from scanapp.brand.overview import ENTER_CONSOLE, RETRY_WORK, SEE_SCANS, section
from scanapp.brand.overview.first_steps import Step, first_steps
from scanapp.brand.overview.reports import TO_DO
from scanapp.brand.rewards import MANAGE_CAMPAIGNS
from scanapp.brand.setup import MANAGE_PEOPLE
from scanapp.office import door
from scanapp.office.finding import Point
from scanapp.web import forms, language
from scanapp.web.extensions import db_session
from traceability import activity

DAYS = 14


@dataclass(frozen=True)
class Scans:
    """How much was scanned: today, in the last seven days, and drawn by day."""

    today: int
    week: int
    first_week: int
    days: list[Point]


@dataclass(frozen=True)
class Setback:
    """Work that failed again and again, set aside with its error."""

    id: int
    topic: str
    at: str | None
    attempts: int
    error: str


@dataclass(frozen=True)
class Overview:
    """What this operator may know of how things stand; None is not for their role."""

    active_codes: int
    scans: Scans | None = None
    forged_attempts: int | None = None
    open_findings: int | None = None
    reports_to_do: int | None = None
    claims: ClaimTotals | None = None
    owed: dict[str, int] | None = None
    setbacks: list[Setback] = field(default_factory=list)
    first_steps: list[Step] = field(default_factory=list)


@section.get("/")
@door.requires(ENTER_CONSOLE)
def dashboard() -> str:
    """How things stand, as far as the role may know."""
    return render_template("overview/dashboard.html", view=_view(door.brand().id))


@section.post("/retry")
@door.requires(RETRY_WORK)
def retry() -> Response:
    """Owes the brand's parked work again: one row, or all that the overview lists."""
    brand_id = door.brand().id
    rows = outbox.parked(db_session, brand_id)
    asked = forms.whole(request.form, "id")
    wanted = [row for row in rows if asked in (None, row.id)]
    count = outbox.retry(db_session, [row.id for row in wanted], brand_id)
    flash(
        ngettext(
            "%(number)s piece of work is tried again.",
            "%(number)s are tried again.",
            count,
            number=format_decimal(count),
        ),
        "genuine",
    )
    return redirect(url_for("brand.overview.dashboard"), code=303)


def _view(brand_id: int) -> Overview:
    role = door.operator().role
    sees_scans, sees_findings = may(role, SEE_SCANS), may(role, SEE_FINDINGS)
    counts = findings.finding_counts(db_session, brand_id) if sees_findings else {}
    retries = may(role, RETRY_WORK)
    return Overview(
        active_codes=codes.items_by_state(db_session, brand_id).get(RangeState.ACTIVE, 0),
        scans=_scans(door.brand()) if sees_scans else None,
        forged_attempts=activity.forged_attempts(db_session) if sees_scans else None,
        open_findings=sum(counts.get(s, 0) for s in UNDECIDED) if sees_findings else None,
        reports_to_do=_reports_to_do(brand_id) if sees_findings else None,
        claims=(
            rewards.claim_totals(db_session, brand_id) if may(role, MANAGE_CAMPAIGNS) else None
        ),
        owed=_owed(brand_id) if retries else None,
        setbacks=_setbacks(brand_id) if retries else [],
        first_steps=first_steps(brand_id) if may(role, MANAGE_PEOPLE) else [],
    )


def _reports_to_do(brand_id: int) -> int:
    counts = findings.report_counts(db_session, brand_id)
    return sum(counts.get(state, 0) for state in TO_DO)


def _scans(brand: Brand) -> Scans:
    days = activity.scans_per_day(db_session, brand, DAYS)
    return Scans(
        today=days[-1].scans,
        week=sum(day.scans for day in days[-7:]),
        first_week=sum(day.first_scans for day in days[-7:]),
        days=[Point(language.day(day.day) or "", day.scans) for day in days],
    )


def _owed(brand_id: int) -> dict[str, int]:
    owed = outbox.owed(db_session, brand_id)
    return {words.topic(topic): count for topic, count in sorted(owed.items())}


def _setbacks(brand_id: int) -> list[Setback]:
    return [
        Setback(
            row.id, words.topic(row.topic), language.moment(row.parked_at, "short"),
            row.attempts, (row.error or "")[:300],
        )
        for row in outbox.parked(db_session, brand_id)
    ]  # fmt: skip
