"""Consumers' reports about codes that look wrong."""

from sqlalchemy.orm import Session

from antifraud.models import Report
from core import clock

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


def _clean(text: str, length: int) -> str:
    return text.replace("\0", "").encode(errors="ignore").decode()[:length]
