"""What rewards does in the background."""

from rewards.credit import CREDIT, handle_credit

TOPICS = {CREDIT: handle_credit}  # claims -> points
