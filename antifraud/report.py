"""Consumers' reports about codes that look wrong."""

from sqlalchemy.orm import Session

from antifraud.models import Report, ReportState
from antifraud.queries import locked_report
from core import clock
from core.errors import N_, BadInput

MAX_WHERE_LENGTH = 200
MAX_NOTE_LENGTH = 1000
MAX_SERIAL_LENGTH = 40


def file_report(
    session: Session, brand_id: int | None, serial: str, bought_where: str, note: str
) -> Report:
    """The report, kept under a case number; texts are cut to their bounds, NULs left out."""
    report = Report(
        brand_id=brand_id,
        serial=_clean(serial, MAX_SERIAL_LENGTH),
        bought_where=_clean(bought_where, MAX_WHERE_LENGTH),
        note=_clean(note, MAX_NOTE_LENGTH),
        at=clock.now(),
    )
    session.add(report)
    session.flush()
    return report


def handle_report(
    session: Session, brand_id: int, report_id: int, actor: str, state: str, note: str
) -> Report:
    """The report in its new state, with who says so, when, and what was found; all can be revised.

    `note` has at most `MAX_NOTE_LENGTH` characters, and at least one where the report is closed.
    Errors: `BadInput`, `UnknownReport` (another brand's).
    """
    if state not in (ReportState.LOOKED_INTO, ReportState.CLOSED):
        raise BadInput(field="state", reason=N_("Say whether it is being looked into or closed."))
    note = _clean(note.strip(), MAX_NOTE_LENGTH + 1)
    if len(note) > MAX_NOTE_LENGTH:
        raise BadInput(field="note", reason=N_("A note has at most 1,000 characters."))
    if state == ReportState.CLOSED and not note:
        raise BadInput(field="note", reason=N_("Say what came of it before you close it."))
    report = locked_report(session, brand_id, report_id)
    report.state, report.handled_note = state, note
    report.handled_by, report.handled_at = actor, clock.now()
    session.flush()
    return report


def _clean(text: str, length: int) -> str:
    return text.replace("\0", "").encode(errors="ignore").decode()[:length]
