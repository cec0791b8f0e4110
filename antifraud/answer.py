"""What the distributor says about a finding, and what the brand decides."""

from sqlalchemy.orm import Session

from antifraud.errors import FindingClosed
from antifraud.models import Finding, FindingStep, Status
from antifraud.queries import locked_finding
from core import clock
from core.errors import BadInput

TEXT_MAX = 2000
ANSWERABLE = (Status.OPEN, Status.ANSWERED)
DECISIONS = (Status.CONFIRMED, Status.DISMISSED)


def answer(
    session: Session, brand_id: int, finding_id: int, distributor_id: int, actor: str, text: str
) -> FindingStep:
    """The distributor's answer, kept beside all earlier ones; the finding is now answered.

    `text` has 1 to `TEXT_MAX` characters. Errors: `BadInput`, `UnknownFinding` (not about this
    distributor), `FindingClosed` (withdrawn, or the brand has decided).
    """
    text = _checked(text, "answer", at_least=1)
    finding = locked_finding(session, brand_id, finding_id, distributor_id)
    if finding.status not in ANSWERABLE:
        raise FindingClosed(status=finding.status, action="answered")
    finding.status = Status.ANSWERED
    return _step(session, finding, actor, Status.ANSWERED, text)


def decide(
    session: Session, brand_id: int, finding_id: int, actor: str, decision: str, text: str
) -> FindingStep:
    """The brand's decision, `confirmed` or `dismissed`, with its reasons; the last one counts.

    A decided finding keeps its status whatever is scanned later. A dismissed one counts as honest
    leakage from now on. `text` has at most `TEXT_MAX` characters. Errors: `BadInput`,
    `UnknownFinding` (another brand's), `FindingClosed` (withdrawn, or so decided before).
    """
    if decision not in DECISIONS:
        raise BadInput(reason=f"decision must be one of {', '.join(DECISIONS)}, not {decision!r}")
    text = _checked(text, "reason", at_least=0)
    finding = locked_finding(session, brand_id, finding_id)
    if finding.status in (Status.WITHDRAWN, decision):
        raise FindingClosed(status=finding.status, action=decision)
    finding.status = decision
    return _step(session, finding, actor, decision, text)


def _checked(text: str, what: str, at_least: int) -> str:
    text = text.strip()
    if not at_least <= len(text) <= TEXT_MAX:
        raise BadInput(reason=f"{what} must have {at_least} to {TEXT_MAX} characters")
    if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
        raise BadInput(reason=f"{what} must not contain NUL or half a character")
    return text


def _step(session: Session, finding: Finding, actor: str, action: str, text: str) -> FindingStep:
    step = FindingStep(
        brand_id=finding.brand_id,
        finding_id=finding.id,
        at=clock.now(),
        actor=actor,
        action=action,
        text=text,
    )
    session.add(step)
    session.flush()
    return step
