"""What the rooms do in the background: which handler works on which topic, and the chores."""

import codegen.models
import core.background
import core.regions.models
import identity.background
import identity.models
import ledger.models
import members.background
import members.models
from antifraud import background as antifraud
from core.chores import Chore
from rewards import background as rewards
from traceability import background as traceability
from worker.drain import Handler

# Foreign keys between rooms need every table known, also in a process that only works.
TABLES = (codegen.models, core.regions.models, identity.models, ledger.models, members.models)

HANDLERS: dict[str, Handler] = {
    topic.name: handler
    for room in (rewards, traceability, antifraud)
    for topic, handler in room.TOPICS.items()
}
CHORES: tuple[Chore, ...] = (
    *traceability.CHORES,
    *core.background.CHORES,
    *members.background.CHORES,
    *identity.background.CHORES,
)
