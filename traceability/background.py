"""What traceability does in the background."""

from datetime import timedelta

from core.chores import Chore, purge
from traceability import forged, partitions, record
from traceability.sight import handle_trace
from traceability.topics import TRACE

TOPICS = {TRACE: handle_trace}  # scans and events -> sightings; owes `detect` for their flows
CHORES = (
    Chore("make partitions", timedelta(days=1), lambda session: len(partitions.ensure(session))),
    purge("intake batches", record.purge),
    purge("forged attempts", forged.purge),
)
