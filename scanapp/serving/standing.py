"""How the whole installation stands, as its operator may know it: figures, no names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from antifraud.models import Status
from core import clock, outbox

COUNTED_MOST = 100_000  # rows of a topic, or findings; more are shown as so many


@dataclass(frozen=True)
class Readiness:
    """`migrations`: current, behind, ahead (a newer release's), or unknown."""

    migrations: str
    redis: str

    @property
    def is_ready(self) -> bool:
        return self.migrations != "behind"


def readiness(engine: Engine, redis: Redis, revisions: Sequence[str]) -> Readiness:
    """What answers; `revisions` are those this program knows, newest first.

    Raises `DBAPIError` when the database does not answer.
    """
    with engine.connect() as connection:
        try:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        except ProgrammingError:  # no such table: never migrated
            found = None
    try:
        redis.ping()
    except RedisError:
        return Readiness(_compared(found, revisions), "degraded")
    return Readiness(_compared(found, revisions), "ok")


def _compared(found: str | None, revisions: Sequence[str]) -> str:
    if not revisions:
        return "unknown"
    if found == revisions[0]:
        return "current"
    # The next release migrates before it replaces this one, which serves on meanwhile.
    return "behind" if found is None or found in revisions else "ahead"


@dataclass(frozen=True)
class Standing:
    """`owed`: of each topic how many rows, and the seconds since the oldest was put."""

    owed: dict[str, tuple[int, float]]
    credits: int
    findings: dict[str, int]


def standing(session: Session) -> Standing:
    """The figures of all brands together; index probes and bounded counts."""
    now = clock.now()
    values = {"topics": list(outbox.topics()), "most": COUNTED_MOST}
    owed = {
        row.topic: (row.depth, max(0.0, (now - row.since).total_seconds()) if row.since else 0.0)
        for row in session.execute(_OWED, values)
    }
    states = {"states": [Status.OPEN.value, Status.ANSWERED.value], "most": COUNTED_MOST}
    return Standing(
        owed=owed,
        credits=session.scalar(_CREDITS) or 0,
        findings={row.status: row.waiting for row in session.execute(_FINDINGS, states)},
    )


class StandingMetrics(Collector):
    """The figures as Prometheus wants them; none but `yima_database_up` 0 when not known."""

    def __init__(self, standing: Standing | None) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        known = self._standing
        up = "Whether the figures of the database could be read."
        yield GaugeMetricFamily("yima_database_up", up, int(known is not None))
        if known is None:
            return
        depth = GaugeMetricFamily(
            "yima_outbox_owed", f"Rows not done yet ({COUNTED_MOST}: or more).", labels=["topic"]
        )
        age = GaugeMetricFamily(
            "yima_outbox_age_seconds", "Age of the oldest row not done yet.", labels=["topic"]
        )
        for topic, (rows, seconds) in known.owed.items():
            depth.add_metric([topic], rows)
            age.add_metric([topic], seconds)
        findings = GaugeMetricFamily(
            "yima_findings", "Findings that wait for somebody.", labels=["status"]
        )
        for status, count in known.findings.items():
            findings.add_metric([status], count)
        yield from (depth, age, findings)
        yield CounterMetricFamily(
            "yima_credits", "Credits posted; what was rolled back counts too.", known.credits
        )


_OWED = text(
    """
    SELECT asked.topic,
           (SELECT count(*)
            FROM (SELECT FROM outbox
                  WHERE topic = asked.topic AND done_at IS NULL AND parked_at IS NULL
                  LIMIT :most) AS few) AS depth,
           (SELECT created_at FROM outbox
            WHERE topic = asked.topic AND done_at IS NULL AND parked_at IS NULL
            ORDER BY id LIMIT 1) AS since
    FROM unnest(CAST(:topics AS text[])) AS asked(topic)
    """
)

# Counting a ledger takes for ever; its numbers come from a sequence.
_CREDITS = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM transfer_id_seq")

_FINDINGS = text(
    """
    SELECT asked.status,
           (SELECT count(*) FROM (SELECT FROM finding WHERE status = asked.status
                                  LIMIT :most) AS few) AS waiting
    FROM unnest(CAST(:states AS text[])) AS asked(status)
    """
)
