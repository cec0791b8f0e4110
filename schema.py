"""All tables of all rooms, registered: what migrations are compared with."""

import antifraud.models
import codegen.models
import core.global_names
import core.once
import core.outbox
import core.regions.models
import identity.models
import ledger.models
import members.models
import rewards.models
import traceability.models
from core.db import Base

ROOMS = (
    core.global_names,
    core.once,
    core.outbox,
    core.regions.models,
    identity.models,
    codegen.models,
    ledger.models,
    members.models,
    traceability.models,
    rewards.models,
    antifraud.models,
)
metadata = Base.metadata
