"""An opinion about one scan, from evidence that was gathered for the whole batch."""

from dataclasses import dataclass

from traceability.verdict import ALLOW, Decision, Reason, Verdict


@dataclass(frozen=True, slots=True)
class ScanEvidence:
    """What is known about a scan when it arrives.

    `window_scans` counts this visitor's items in the present window, this one included.
    `seconds_since_last` and `km_since_last` compare with the visitor's last known place; None when
    there is none, or when either place is unknown. `forged_attempts_of_source` counts the forged
    serials that this scan's address tried in the last hour. `link_lot` is the lot in the scanned
    link where that is another than the item's, `item_lot`; both are empty where it is not.
    """

    window_scans: int
    seconds_since_last: float | None = None
    km_since_last: float | None = None
    forged_attempts_of_source: int = 0
    link_lot: str = ""
    item_lot: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Where opinions change. Holds are cheap (a person decides later), refusals are not."""

    window_seconds: int = 600
    # A household opens a case of 24, a banquet's host a few; 200 items are a collector of caps.
    window_scans_hold: int = 30
    window_scans_refuse: int = 200
    # Airliners cruise at about 900 km/h; below 300 km an error of the place alone looks as fast.
    speed_kmh_hold: float = 1000.0
    distance_km_hold: float = 300.0
    # One forged serial is a misread print; twenty an hour from one address is guessing. Mobile
    # carriers share addresses, so it holds and never refuses.
    forged_attempts_hold: int = 20


DEFAULT_RULES = Rules()


def judge(evidence: ScanEvidence, rules: Rules = DEFAULT_RULES) -> Verdict:
    """The verdict about one scan, the weightiest reason first; the same evidence, the same verdict.

    Reasons: `velocity` (refuse, hold), `impossible_travel` (hold), `forged_source` (hold),
    `other_lot` (hold). No SQL, no clock: a few microseconds.
    """
    reasons = [
        reason
        for rule in (_velocity, _travel, _forged_source, _other_lot)
        if (reason := rule(evidence, rules)) is not None
    ]
    if not reasons:
        return ALLOW
    refused = evidence.window_scans > rules.window_scans_refuse
    return Verdict(Decision.REFUSE if refused else Decision.HOLD, tuple(reasons))


def _velocity(evidence: ScanEvidence, rules: Rules) -> Reason | None:
    if evidence.window_scans <= rules.window_scans_hold:
        return None
    refused = evidence.window_scans > rules.window_scans_refuse
    limit = rules.window_scans_refuse if refused else rules.window_scans_hold
    facts = {
        "scans": evidence.window_scans,
        "limit": limit,
        "window_seconds": rules.window_seconds,
    }
    return Reason("velocity", facts)


def _travel(evidence: ScanEvidence, rules: Rules) -> Reason | None:
    km, seconds = evidence.km_since_last, evidence.seconds_since_last
    if km is None or seconds is None or km <= rules.distance_km_hold:
        return None
    # Clocks of two processes differ a little: an interval of 0 or less counts as a second.
    speed_kmh = km / (max(seconds, 1.0) / 3600.0)
    if speed_kmh <= rules.speed_kmh_hold:
        return None
    facts = {
        "distance_km": round(km),
        "seconds": round(seconds),
        "speed_kmh": round(speed_kmh),
        "limit_kmh": round(rules.speed_kmh_hold),
    }
    return Reason("impossible_travel", facts)


def _forged_source(evidence: ScanEvidence, rules: Rules) -> Reason | None:
    attempts = evidence.forged_attempts_of_source
    if attempts < rules.forged_attempts_hold:
        return None
    facts = {"attempts": attempts, "limit": rules.forged_attempts_hold, "window_seconds": 3600}
    return Reason("forged_source", facts)


def _other_lot(evidence: ScanEvidence, _rules: Rules) -> Reason | None:
    """Who prints a genuine serial into a link of his own may not know its lot."""
    if not evidence.link_lot:
        return None
    return Reason("other_lot", {"link": evidence.link_lot, "item": evidence.item_lot})
