"""What the core does in the background."""

from core import once, outbox
from core.chores import purge

CHORES = (purge("outbox", outbox.purge), purge("spent keys", once.purge))
