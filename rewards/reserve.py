"""Daily limits and budgets: locked once a batch, spent in memory, written back once."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# A day of a daily limit is a day in China, which has one time zone and no summer time.
DAY_ZONE = timezone(timedelta(hours=8))


def person(member_id: int | None, visitor_id: UUID | None = None) -> str:
    """How daily limits name a person: the member, or the visitor while nobody is signed in."""
    return f"m:{member_id}" if member_id is not None else f"v:{visitor_id}"


def day_of(instant: datetime) -> date:
    """The day that a daily limit counts `instant` on."""
    return instant.astimezone(DAY_ZONE).date()


def lock_counts(
    session: Session, wanted: Iterable[tuple[int, str]], today: date
) -> dict[tuple[int, str], int]:
    """Claims made today by each wanted `(campaign id, person)`; locked until the end."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = session.execute(
        text(
            """
            INSERT INTO claim_count (campaign_id, person, day, claims)
            SELECT campaign_id, person, :day, 0
            FROM unnest(CAST(:campaigns AS bigint[]), CAST(:persons AS text[]))
                 AS t(campaign_id, person)
            ON CONFLICT (campaign_id, person, day) DO UPDATE SET claims = claim_count.claims
            RETURNING campaign_id, person, claims
            """
        ),
        {"day": today, "campaigns": [k[0] for k in keys], "persons": [k[1] for k in keys]},
    )
    return {(row.campaign_id, row.person): row.claims for row in rows}


def lock_budgets(session: Session, campaign_ids: Iterable[int]) -> dict[int, tuple[int, int, bool]]:
    """For each campaign: points reserved, points in all, and whether it was stopped."""
    rows = session.execute(
        text(
            """
            SELECT b.campaign_id, b.reserved_points, c.budget_points, c.stopped_at IS NOT NULL
            FROM campaign_budget b JOIN campaign c ON c.id = b.campaign_id
            WHERE b.campaign_id = ANY(CAST(:ids AS bigint[]))
            ORDER BY b.campaign_id FOR UPDATE OF b
            """
        ),
        {"ids": sorted(set(campaign_ids))},
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def write_counts(
    session: Session,
    counts: dict[tuple[int, str], int],
    before: dict[tuple[int, str], int],
    today: date,
) -> None:
    """Writes those counts that are no longer what they were."""
    changed = {key: claims for key, claims in counts.items() if claims != before[key]}
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
                "campaigns": [key[0] for key in changed],
                "persons": [key[1] for key in changed],
                "claims": list(changed.values()),
            },
        )


def write_budgets(
    session: Session,
    budgets: dict[int, tuple[int, int, bool]],
    before: dict[int, tuple[int, int, bool]],
) -> None:
    """Writes those reservations that are no longer what they were."""
    changed = {key: value[0] for key, value in budgets.items() if value != before[key]}
    if changed:
        session.execute(
            text(
                """
                UPDATE campaign_budget SET reserved_points = t.reserved
                FROM unnest(CAST(:ids AS bigint[]), CAST(:reserved AS bigint[]))
                     AS t(id, reserved)
                WHERE campaign_id = t.id
                """
            ),
            {"ids": list(changed), "reserved": list(changed.values())},
        )
