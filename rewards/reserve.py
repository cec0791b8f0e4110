"""Daily limits and budgets: locked once a batch, spent in memory, written back once."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.arrays import array
from core.db import run

# A day of a daily limit is a day in China, which has one time zone and no summer time.
DAY_ZONE = timezone(timedelta(hours=8))


def person(member_id: int | None, visitor_id: UUID | None = None) -> str:
    """How daily limits name a person: the member, or the visitor while nobody is signed in."""
    return f"m:{member_id}" if member_id is not None else f"v:{visitor_id}"


def day_of(instant: datetime) -> date:
    """The day that a daily limit counts `instant` on."""
    return instant.astimezone(DAY_ZONE).date()


def lock_counts(
    session: Session, ahead: Mapping[tuple[int, str], int], today: date
) -> dict[tuple[int, str], int]:
    """Claims made today by each `(campaign id, person)` until now; locked until the end.

    `ahead` says how many more are counted at once, because they are expected to be made.
    """
    keys = sorted(ahead)
    if not keys:
        return {}
    rows = run(
        session,
        """
        INSERT INTO claim_count (campaign_id, person, day, claims)
        SELECT campaign_id, person, %(day)s, ahead
        FROM unnest(CAST(%(campaigns)s AS bigint[]), CAST(%(persons)s AS text[]),
                    CAST(%(ahead)s AS bigint[])) AS t(campaign_id, person, ahead)
        ON CONFLICT (campaign_id, person, day)
        DO UPDATE SET claims = claim_count.claims + EXCLUDED.claims
        RETURNING campaign_id, person, claims
        """,
        {
            "day": today,
            "campaigns": array([campaign for campaign, _ in keys]),
            "persons": array([who for _, who in keys]),
            "ahead": array([ahead[key] for key in keys]),
        },
    )
    after = {(campaign_id, who): claims for campaign_id, who, claims in rows}
    return {key: after[key] - ahead[key] for key in keys}


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


def write_counts(
    session: Session,
    counts: Mapping[tuple[int, str], int],
    written: Mapping[tuple[int, str], int],
    today: date,
) -> None:
    """Writes those of the locked counts that are not what was `written`."""
    changed = {key: claims for key, claims in counts.items() if claims != written[key]}
    if changed:
        session.execute(
            text(
                """
                UPDATE claim_count SET claims = t.claims
                FROM unnest(CAST(:campaigns AS bigint[]), CAST(:persons AS text[]),
                            CAST(:claims AS bigint[])) AS t(campaign_id, person, claims)
                WHERE claim_count.campaign_id = t.campaign_id
                  AND claim_count.person = t.person AND claim_count.day = :day
                """
            ),
            {
                "day": today,
                "campaigns": array([campaign for campaign, _ in changed]),
                "persons": array([who for _, who in changed]),
                "claims": array(changed.values()),
            },
        )
