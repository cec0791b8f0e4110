"""Daily limits and budgets: locked once a batch, spent in memory, written back once."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core.arrays import array
from core.db import run


class Counted(NamedTuple):
    """What a daily limit counts by: the day is that of the campaign's brand."""

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
        INSERT INTO claim_count (campaign_id, person, day, claims)
        SELECT campaign_id, person, day, ahead
        FROM unnest(CAST(%(campaigns)s AS bigint[]), CAST(%(persons)s AS text[]),
                    CAST(%(days)s AS date[]), CAST(%(ahead)s AS bigint[]))
             AS t(campaign_id, person, day, ahead)
        ON CONFLICT (campaign_id, person, day)
        DO UPDATE SET claims = claim_count.claims + EXCLUDED.claims
        RETURNING campaign_id, person, day, claims
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
            FROM unnest(CAST(%(campaigns)s AS bigint[]), CAST(%(persons)s AS text[]),
                        CAST(%(days)s AS date[]), CAST(%(claims)s AS bigint[]))
                 AS t(campaign_id, person, day, claims)
            WHERE claim_count.campaign_id = t.campaign_id
              AND claim_count.person = t.person AND claim_count.day = t.day
            """,
            {**_columns(changed), "claims": array([counts[key] for key in changed])},
        )


def _columns(keys: Iterable[Counted]) -> dict[str, str]:
    campaigns, persons, days = zip(*keys, strict=True)
    return {"campaigns": array(campaigns), "persons": array(persons), "days": array(days)}


class Budget(NamedTuple):
    """A campaign's budget, and whether the campaign was stopped."""

    reserved_points: int
    points: int
    is_stopped: bool


def lock_budgets(session: Session, campaign_ids: Iterable[int]) -> dict[int, Budget]:
    """The budget of each campaign; locked until the end."""
    rows = run(
        session,
        """
        SELECT b.campaign_id, b.reserved_points, c.budget_points, c.stopped_at IS NOT NULL
        FROM campaign_budget b JOIN campaign c ON c.id = b.campaign_id
        WHERE b.campaign_id = ANY(CAST(%(ids)s AS bigint[]))
        ORDER BY b.campaign_id FOR UPDATE OF b
        """,
        {"ids": array(campaign_ids)},
    )
    return {row[0]: Budget(*row[1:]) for row in rows}
