"""What members does in the background."""

from core.chores import purge
from members import code

CHORES = (purge("one-time codes", code.purge),)
