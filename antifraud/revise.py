"""What one look changes about one finding."""

import numpy as np

from antifraud.evidence import Exhibit, as_json
from antifraud.models import Finding, FindingStep, Status
from antifraud.steps import numbers
from antifraud.weigh import PERSONS_MIN, Seen, Weighed
from core import clock

ACTOR = "yima"
# A finding is opened against all others at once (`weigh`), and stays until it would not be
# significant even alone: what crosses the line back and forth with every scan helps nobody.
KEEP_LOG_E = float(np.log(100.0))
# A step is worth a person's eyes when a number has grown or shrunk by half since the last one.
MATERIAL = 1.5


def open_finding(brand_id: int, weighed: Weighed) -> Finding:
    """A finding about the spot, not yet in the session; `revise` fills it in."""
    spot = weighed.spot
    return Finding(
        brand_id=brand_id,
        distributor_id=spot.flow.distributor_id,
        product_id=spot.flow.product_id,
        region_code=spot.unit,
        status=Status.WITHDRAWN,
        evidence={},
    )


def revise(
    finding: Finding, weighed: Weighed, flow: dict[str, Seen], exhibit: Exhibit
) -> FindingStep | None:
    """The step that the new facts are worth, if any; the finding's numbers now follow them.

    `flow` is what was seen of the flow in each region. The step still lacks its `finding_id`.
    """
    told = finding.evidence.get("told", {"off_scans": 0, "coherent_cartons": 0})
    _refresh(finding, weighed, flow, exhibit)
    now = {"off_scans": finding.off_scans, "coherent_cartons": finding.coherent_cartons}
    action = _action(finding, weighed, flow)
    if action is None and finding.status in (Status.OPEN, Status.ANSWERED):
        action = "updated" if any(_is_material(told[key], now[key]) for key in now) else None
    finding.evidence["told"] = told if action is None else now
    if action is None:
        return None
    return FindingStep(at=finding.updated_at, actor=ACTOR, action=action, text=numbers(finding))


def _refresh(finding: Finding, weighed: Weighed, flow: dict[str, Seen], exhibit: Exhibit) -> None:
    unit = weighed.spot.unit
    finding.updated_at = clock.now()
    finding.placed_scans = sum(seen.items for seen in flow.values())
    finding.off_scans = flow.get(unit, Seen()).items_off
    finding.expected_scans = weighed.rate_max * finding.placed_scans
    finding.log10_e_value = weighed.log_e / float(np.log(10.0))
    finding.coherent_cartons = exhibit.coherent_cartons
    finding.evidence = as_json(exhibit, flow, unit, weighed.rate_max)


def _action(finding: Finding, weighed: Weighed, flow: dict[str, Seen]) -> str | None:
    """Opens or withdraws the finding where the facts ask for it, and names that."""
    if finding.status == Status.WITHDRAWN:
        finding.status, finding.opened_at = Status.OPEN, finding.updated_at
        return "opened"
    persons_off = flow.get(weighed.spot.unit, Seen()).persons_off
    holds = weighed.log_e >= KEEP_LOG_E and persons_off >= PERSONS_MIN
    if finding.status in (Status.OPEN, Status.ANSWERED) and not holds:
        finding.status = Status.WITHDRAWN
        return "withdrawn"
    return None


def _is_material(before: int, now: int) -> bool:
    low, high = sorted((before, now))
    return low != high and high >= MATERIAL * low
