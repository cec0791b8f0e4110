"""Daily limits and budgets: locked once a batch, spent in memory, written back once."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import run
from core.rows import array

CampaignKey = tuple[int, int]  # ids of brand and campaign


class Counted(NamedTuple):
    """What a daily limit counts by: the day is that of the campaign's brand."""

    brand_id: int
    campaign_id: int
    person: str
    day: date


def person(member_id: int | None, visitor_id: UUID | None = None) -> str:
    """How daily limits name a person: the member, or the visitor while nobody is signed in."""
    return f"m:{member_id}" if member_id is not None else f"v:{visitor_id}"


def lock_counts(session: Session, ahead: Mapping[Counted, int]) -> dict[Counted, int]:
    """The claims counted until now under each key; locked until the end.

    `ahead` says how many more are counted at once, because they are expected to be made.
    """
    keys = sorted(ahead)
    if not keys:
        return {}
    rows = run(
        session,
        """
        INSERT INTO claim_count (brand_id, campaign_id, person, day, claims)
        SELECT brand_id, campaign_id, person, day, ahead
        FROM unnest(CAST(%(brands)s AS bigint[]), CAST(%(campaigns)s AS bigint[]),
                    CAST(%(persons)s AS text[]),
                    CAST(%(days)s AS date[]), CAST(%(ahead)s AS bigint[]))
             AS t(brand_id, campaign_id, person, day, ahead)
        ON CONFLICT (brand_id, campaign_id, person, day)
        DO UPDATE SET claims = claim_count.claims + EXCLUDED.claims
        RETURNING brand_id, campaign_id, person, day, claims
        """,
        {**_columns(keys), "ahead": array([ahead[key] for key in keys])},
    )
    return {Counted(*key): claims - ahead[Counted(*key)] for *key, claims in rows}


def write_counts(
    session: Session, counts: Mapping[Counted, int], written: Mapping[Counted, int]
) -> None:
    """Writes those of the locked counts that are not what was `written`."""
    changed = [key for key, claims in counts.items() if claims != written[key]]
    if changed:
        run(
            session,
            """
            UPDATE claim_count SET claims = t.claims
            FROM unnest(CAST(%(brands)s AS bigint[]), CAST(%(campaigns)s AS bigint[]),
                        CAST(%(persons)s AS text[]),
                        CAST(%(days)s AS date[]), CAST(%(claims)s AS bigint[]))
                 AS t(brand_id, campaign_id, person, day, claims)
            WHERE claim_count.brand_id = t.brand_id AND claim_count.campaign_id = t.campaign_id
              AND claim_count.person = t.person AND claim_count.day = t.day
            """,
            {**_columns(changed), "claims": array([counts[key] for key in changed])},
        )


def _columns(keys: Iterable[Counted]) -> dict[str, str]:
    brands, campaigns, persons, days = zip(*keys, strict=True)
    return {
        "brands": array(brands),
        "campaigns": array(campaigns),
        "persons": array(persons),
        "days": array(days),
    }


class Budget(NamedTuple):
    """A campaign's budget, and whether the campaign was stopped."""

    reserved_points: int
    points: int
    is_stopped: bool


def lock_budgets(
    session: Session, campaigns: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Budget]:
    """The budget of each campaign, told by the ids of brand and campaign; locked until the end."""
    brands, ids = zip(*campaigns, strict=True)
    rows = run(
        session,
        """
        SELECT b.brand_id, b.campaign_id, b.reserved_points, c.budget_points,
               c.stopped_at IS NOT NULL
        FROM unnest(CAST(%(brands)s AS bigint[]), CAST(%(ids)s AS bigint[])) AS t(brand_id, id)
        JOIN campaign_budget b ON b.brand_id = t.brand_id AND b.campaign_id = t.id
        JOIN campaign c ON c.brand_id = t.brand_id AND c.id = t.id
        ORDER BY b.brand_id, b.campaign_id FOR UPDATE OF b
        """,
        {"brands": array(brands), "ids": array(ids)},
    )
    return {(row[0], row[1]): Budget(*row[2:]) for row in rows}
