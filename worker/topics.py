"""Which handler works on which topic of the outbox."""

import codegen.models
import core.regions.models
import identity.models
import ledger.models
import members.models
from antifraud.detect import handle_detect
from rewards.credit import handle_credit
from traceability.sight import handle_trace
from worker.drain import Handler

# Foreign keys between rooms need every table known, also in a process that only works.
TABLES = (codegen.models, core.regions.models, identity.models, ledger.models, members.models)

HANDLERS: dict[str, Handler] = {
    "credit": handle_credit,  # claims -> points
    "trace": handle_trace,  # scans and events -> sightings; owes `detect` for their flows
    "detect": handle_detect,  # sightings -> findings
}
