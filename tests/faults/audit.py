"""What clients were told, against what the database holds once all that is owed was done."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from lab import traffic
from rewards.audit import Books
from scanapp.api.scan import _visitor
from tests.faults.load import Told
from tests.running import Shop, Town, books

Pair = tuple[int, UUID]  # an item, by its code's id, and a visitor
HELD, GRANTED = "held", "granted"


def audit(town: Town, shop: Shop, told: Sequence[Told], parked: int = 0) -> Books:
    """The brand's books; fails where what is kept is not exactly what was told.

    The clients got an answer to every request. A worker and a clock run, and set aside `parked`
    outbox rows; all else is waited for.
    """
    found = books(town, shop)
    with town.sessions() as session:
        _check_scans(session, shop, told)
        _check_claims(session, shop, told)
        _check_limits(session, shop)
    _check_points(town, shop, found)
    assert town.count("outbox", "parked_at IS NOT NULL") == parked
    assert town.count("outbox", "done_at IS NULL") == parked
    return found


def audit_scans(town: Town, shop: Shop, told: Sequence[traffic.Told]) -> None:
    """Fails unless all scans of short links that were answered with 200 are kept, and none twice.

    Nobody was told of the outcomes, and others may have scanned too.
    """
    numbers = {f"/{serial}": number for number, serial in enumerate(shop.serials)}
    promised = {
        _made(shop, numbers[each.request.path], json.loads(each.request.body)["visitor"])
        for each in told
        if each.status == 200
    }
    with town.sessions() as session:
        scans = session.execute(_SCANS, {"brand": shop.brand.id}).all()
    _check_kept(Counter((scan.code_id, scan.visitor_id) for scan in scans), promised)


def _made(shop: Shop, number: int, visitor: str) -> Pair:
    return shop.code_id(number), _visitor(shop.brand.id, {"visitor": visitor})


def _pair(shop: Shop, told: Told) -> Pair:
    return _made(shop, told.number, told.visitor)


def _check_kept(kept: Counter[Pair], promised: set[Pair]) -> None:
    assert not promised - kept.keys(), "scans that were acknowledged are missing"
    assert not [pair for pair, rows in kept.items() if rows > 1], "scans that are there twice"


def _check_scans(session: Session, shop: Shop, told: Sequence[Told]) -> None:
    """Every visitor's scans of an item are one, all are counted, and one of an item is first."""
    scans = session.execute(_SCANS, {"brand": shop.brand.id}).all()
    kept = Counter((scan.code_id, scan.visitor_id) for scan in scans)
    promised = {_pair(shop, each) for each in told}
    _check_kept(kept, promised)
    assert not kept.keys() - promised, "scans that nobody made"

    items = session.execute(
        text("SELECT code_id, first_visitor, scans FROM item WHERE brand_id = :brand"),
        {"brand": shop.brand.id},
    ).all()
    assert {item.code_id: item.scans for item in items} == Counter(code for code, _ in kept)
    firsts = {item.code_id: item.first_visitor for item in items}
    assert len([scan for scan in scans if scan.outcome == "first"]) == len(items)
    assert all(firsts[s.code_id] == s.visitor_id for s in scans if s.outcome == "first")
    _check_winners(shop, told, [each for each in told if each.outcome == "first"], firsts)
    sighted = text("SELECT code_id FROM sighting WHERE brand_id = :brand")
    assert set(session.scalars(sighted, {"brand": shop.brand.id})) == firsts.keys()


def _check_claims(session: Session, shop: Shop, told: Sequence[Told]) -> None:
    """The claims are those that somebody was told to have, each once, with the points it said."""
    claims = {
        row.code_id: row
        for row in session.execute(
            text("SELECT code_id, visitor_id, decision, points FROM claim WHERE brand_id = :brand"),
            {"brand": shop.brand.id},
        )
    }
    has = [each for each in told if each.state in (GRANTED, HELD)]
    for each in has:
        code_id, visitor = _pair(shop, each)
        assert code_id in claims, "a claim that was acknowledged is missing"
        kept = claims[code_id]
        assert (each.state, each.points) == (kept.decision, kept.points)
        assert each.is_repeated or visitor == kept.visitor_id, "an item was granted twice"
    assert {shop.code_id(e.number) for e in told if e.state == "taken"} <= claims.keys()
    owners = {code_id: claim.visitor_id for code_id, claim in claims.items()}
    _check_winners(shop, told, [each for each in has if not each.is_repeated], owners)


def _check_winners(
    shop: Shop, told: Sequence[Told], winners: Sequence[Told], kept: dict[int, UUID]
) -> None:
    """What only one visitor can be told of an item, was told to one: who has it.

    To nobody only where an answer of its winner was lost, and the next one came too late for it.
    """
    won: dict[int, list[UUID]] = defaultdict(list)
    for each in winners:
        code_id, visitor = _pair(shop, each)
        won[code_id].append(visitor)
    uncertain = {_pair(shop, each) for each in told if not each.is_certain}
    for code_id, visitor in kept.items():
        if won[code_id] != [visitor]:
            assert not won[code_id], "told twice, or to somebody else"
            assert (code_id, visitor) in uncertain, "kept, although it was said not to be"
    assert won.keys() <= kept.keys()


def _check_limits(session: Session, shop: Shop) -> None:
    """No person has more claims of a day than allowed, or than were counted."""
    wrong = session.execute(_WRONG_LIMITS, {"brand": shop.brand.id}).all()
    assert not wrong
    over = text(
        "SELECT count(*) FROM campaign JOIN campaign_budget USING (brand_id)"
        " WHERE campaign_id = id AND reserved_points > budget_points"
    )
    assert session.scalar(over) == 0


def _check_points(town: Town, shop: Shop, found: Books) -> None:
    """Points are those of granted claims, each paid once; reservations those of all claims."""
    assert found.balanced, found
    assert found.points_waiting == 0
    granted = "decision = 'granted' AND member_id IS NOT NULL AND brand_id = :brand"
    assert town.count("transfer") == town.count("claim", granted, brand=shop.brand.id)


_SCANS = text("SELECT code_id, visitor_id, outcome FROM scan WHERE brand_id = :brand")
_WRONG_LIMITS = text(
    """
    WITH claimed AS (
        SELECT campaign_id, CAST(decided_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
               CASE WHEN member_id IS NULL THEN 'v:' || visitor_id ELSE 'm:' || member_id END
                   AS person, member_id IS NOT NULL AS is_member, count(*) AS claims
        FROM claim WHERE brand_id = :brand GROUP BY 1, 2, 3, 4)
    SELECT claimed.claims, counted.claims, daily_limit
    FROM claimed JOIN campaign ON campaign.brand_id = :brand AND campaign.id = campaign_id
    LEFT JOIN claim_count counted ON counted.brand_id = :brand
        AND counted.campaign_id = claimed.campaign_id
        AND counted.person = claimed.person AND counted.day = claimed.day
    WHERE daily_limit IS NOT NULL AND (
        counted.claims IS NULL OR counted.claims > daily_limit OR claimed.claims > counted.claims
        -- A visitor's claims may have become a member's, a member's stay.
        OR is_member AND claimed.claims <> counted.claims)
    """
)
