"""Which handler works on which topic of the outbox."""

from antifraud.detect import handle_detect
from rewards.credit import handle_credit
from traceability.sight import handle_trace
from worker.drain import Handler

HANDLERS: dict[str, Handler] = {
    "credit": handle_credit,  # claims -> points
    "trace": handle_trace,  # scans and events -> sightings; owes `detect` for their flows
    "detect": handle_detect,  # sightings -> findings
}
