"""A decided batch of claims is written down: in one statement, its rows being locked already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from core import outbox
from core.db import run
from core.outbox import Owed
from core.rows import array
from rewards.answer import ClaimAnswer, ClaimRequest, ClaimState
from rewards.credit import CREDIT, ToCredit
from rewards.reserve import Budget, CampaignKey
from traceability.verdict import Verdict

Decided = tuple[ClaimRequest, ClaimAnswer]


def record(
    session: Session,
    decided: Sequence[Decided],
    budgets: Mapping[CampaignKey, Budget],
    now: datetime,
) -> None:
    """Claims and refusals are kept, reservations are the `budgets'`, and grants owe their credit.

    Repeated answers leave nothing, but for one: that an item was `taken` is a refusal each time.
    """
    claims = [
        pair
        for pair in decided
        if pair[1].state in (ClaimState.GRANTED, ClaimState.HELD) and not pair[1].is_repeat
    ]
    refusals = [
        pair
        for pair in decided
        if pair[1].state in (ClaimState.REFUSED, ClaimState.TAKEN) and pair[1].reason
    ]
    if not claims and not refusals:
        return
    claims.sort(key=lambda pair: pair[0].code_id)
    run(
        session,
        _RECORD,
        {
            "now": now,
            **_claim_columns(claims),
            **_refusal_columns(refusals),
            "budget_brands": array([brand_id for brand_id, _ in budgets]),
            "budgets": array([campaign_id for _, campaign_id in budgets]),
            "reserved": array([budget.reserved_points for budget in budgets.values()]),
            "owed": outbox.owed_rows(_owed_credit(claims)),
        },
    )


def _claim_columns(claims: Sequence[Decided]) -> dict[str, str]:
    return {
        "codes": array([asked.code_id for asked, _ in claims]),
        "brands": array([asked.brand_id for asked, _ in claims]),
        "campaigns": array([answer.campaign_id for _, answer in claims]),
        "visitors": array([asked.visitor_id for asked, _ in claims]),
        "members": array([answer.member_id for _, answer in claims]),
        "points": array([answer.points for _, answer in claims]),
        "decisions": array([answer.state for _, answer in claims]),
        "reasons": array([_as_json(asked.verdict) for asked, _ in claims]),
    }


def _refusal_columns(refusals: Sequence[Decided]) -> dict[str, str]:
    return {
        "refused_codes": array([asked.code_id for asked, _ in refusals]),
        "refused_brands": array([asked.brand_id for asked, _ in refusals]),
        "refused_campaigns": array([answer.campaign_id for _, answer in refusals]),
        "refused_visitors": array([asked.visitor_id for asked, _ in refusals]),
        "refused_reasons": array([answer.reason for _, answer in refusals]),
    }


def _as_json(verdict: Verdict) -> str | None:
    return json.dumps([asdict(reason) for reason in verdict.reasons]) if verdict.reasons else None


def _owed_credit(claims: Sequence[Decided]) -> list[Owed]:
    """A row per brand whose claims are owed points now."""
    owed: dict[int, list[ClaimRequest]] = {}
    for asked, answer in claims:
        if answer.state == ClaimState.GRANTED and answer.member_id is not None:
            owed.setdefault(asked.brand_id, []).append(asked)
    return [
        CREDIT.owed(
            brand_id,
            ToCredit(tuple(asked.code_id for asked in owed[brand_id])),
            (asked.request_id for asked in owed[brand_id]),
        )
        for brand_id in sorted(owed)
    ]


_RECORD = f"""
    WITH claimed AS (
        INSERT INTO claim (code_id, brand_id, campaign_id, visitor_id, member_id, points,
                           decision, reasons, decided_at, bound_at)
        SELECT code_id, brand_id, campaign_id, visitor_id, member_id, points, decision, reasons,
               %(now)s, CASE WHEN member_id IS NOT NULL THEN CAST(%(now)s AS timestamptz) END
        FROM unnest(CAST(%(codes)s AS bigint[]), CAST(%(brands)s AS bigint[]),
                    CAST(%(campaigns)s AS bigint[]), CAST(%(visitors)s AS uuid[]),
                    CAST(%(members)s AS bigint[]), CAST(%(points)s AS bigint[]),
                    CAST(%(decisions)s AS text[]), CAST(%(reasons)s AS jsonb[]))
             AS t(code_id, brand_id, campaign_id, visitor_id, member_id, points, decision,
                  reasons)),
    refused AS (
        INSERT INTO claim_refusal (at, brand_id, code_id, campaign_id, visitor_id, reason)
        SELECT %(now)s, brand_id, code_id, campaign_id, visitor_id, reason
        FROM unnest(CAST(%(refused_brands)s AS bigint[]), CAST(%(refused_codes)s AS bigint[]),
                    CAST(%(refused_campaigns)s AS bigint[]), CAST(%(refused_visitors)s AS uuid[]),
                    CAST(%(refused_reasons)s AS text[]))
             AS t(brand_id, code_id, campaign_id, visitor_id, reason)),
    reserved AS (
        UPDATE campaign_budget SET reserved_points = t.reserved
        FROM unnest(CAST(%(budget_brands)s AS bigint[]), CAST(%(budgets)s AS bigint[]),
                    CAST(%(reserved)s AS bigint[])) AS t(brand_id, id, reserved)
        WHERE campaign_budget.brand_id = t.brand_id AND campaign_id = t.id)
    {outbox.INSERT_OWED}
"""
