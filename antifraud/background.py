"""What antifraud does in the background."""

from antifraud.detect import handle_detect
from traceability.topics import DETECT

TOPICS = {DETECT: handle_detect}  # sightings -> findings
