"""What identity does in the background."""

from core.chores import purge
from identity import sessions, throttle

CHORES = (purge("sessions", sessions.purge), purge("sign-in attempts", throttle.purge))
