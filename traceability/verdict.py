"""What antifraud says about a scan and rewards obeys; here because both may import this room."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    ALLOW = "allow"
    HOLD = "hold"  # granted, not spendable until a person or a later fact decides
    REFUSE = "refuse"


@dataclass(frozen=True)
class Reason:
    """One thing that counted, with the numbers it was judged by."""

    code: str
    facts: Mapping[str, int | float | str]


@dataclass(frozen=True)
class Verdict:
    """An opinion about one scan and all its reasons, the weightiest first."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()


ALLOW = Verdict(Decision.ALLOW)
