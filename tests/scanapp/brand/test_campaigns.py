from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from core import clock
from core.outbox import OutboxRow
from identity.models import Brand
from rewards.models import Campaign, CampaignBudget, Claim
from tests import factories
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser

TERMS = {
    "name_zh": "开盖有礼",
    "name_en": "Open and win",
    "points": "5",
    "budget_points": "10,000",
    "starts_on": "2026-11-01",
    "ends_on": "2026-12-31",
    "daily_limit": "",
    "areas": "",
}
NEW = "/console/campaigns/new"


def only(commit: Commit) -> Campaign:
    with commit() as session:
        return session.query(Campaign).one()


def test_a_campaign_is_launched_from_first_to_last_day_in_china(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    areas = "330100\n\n江苏\n"
    page = admin.submit(NEW, **TERMS | {"product": str(trade.product.id), "areas": areas})
    assert (page.status_code, page.location) == (303, "/console/campaigns")
    made = only(commit)
    assert (made.points, made.budget_points, made.daily_limit) == (5, 10_000, None)
    assert made.starts_at == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert made.ends_at == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert made.product_ids == [trade.product.id]
    assert made.area_codes == ["330100", "320000"]
    shown = admin.get("/console/campaigns").text
    assert "Open and win" in shown
    assert "0 of 10,000 points" in shown


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"points": "many"}, "not a whole number"),
        ({"points": "0"}, "1 to 1,000,000 points"),
        ({"budget_points": "4"}, "at least one claim"),
        ({"starts_on": "tomorrow"}, "not a day"),
        ({"starts_on": "2027-05-01"}, "ends before it starts"),
        ({"name_zh": " "}, "Give the campaign a name"),
        ({"areas": "Atlantis"}, "No region is called"),
        ({"areas": "吉林"}, "220200 Jilin"),
        ({"product": "999999"}, "not one of the brand"),
    ],
)
def test_wrong_terms_launch_nothing_and_keep_what_was_typed(
    admin: Browser, commit: Commit, wrong: dict[str, str], says: str
) -> None:
    page = admin.submit(NEW, **TERMS | wrong)
    assert page.status_code in (400, 404)
    assert says in page.text
    assert 'value="Open and win"' in page.text
    with commit() as session:
        assert session.query(Campaign).count() == 0


def test_a_stopped_campaign_says_so_and_others_campaigns_cant_be_stopped(
    admin: Browser, trade: Trade, commit: Commit
) -> None:
    with commit() as session:
        ours = factories.campaign(session, trade.brand)
        theirs = factories.campaign(session, factories.brand(session))
    admin.get("/console/campaigns")
    assert admin.post(f"/console/campaigns/{ours.id}/stop").status_code == 303
    assert "Stopped" in admin.get("/console/campaigns").text
    admin.get(NEW)
    assert admin.post(f"/console/campaigns/{theirs.id}/stop").status_code == 404
    with commit() as session:
        assert session.get_one(Campaign, (theirs.brand_id, theirs.id)).stopped_at is None


def hold(commit: Commit, trade: Trade, number: int, member_id: int | None = None) -> int:
    with commit() as session:
        campaign = session.query(Campaign).filter_by(brand_id=trade.brand.id).first()
        campaign = campaign or factories.campaign(session, trade.brand)
        budget = session.get_one(CampaignBudget, (campaign.brand_id, campaign.id))
        budget.reserved_points += 5
        velocity = {"scans": 41, "limit": 30, "window_seconds": 600}
        session.add(
            Claim(
                code_id=trade.items.lo + number - 1, brand_id=trade.brand.id,
                campaign_id=campaign.id, visitor_id=uuid4(), member_id=member_id, points=5,
                decision="held", reasons=[{"code": "velocity", "facts": velocity}],
                decided_at=clock.now() - timedelta(hours=1),
            )
        )  # fmt: skip
        return trade.items.lo + number - 1


def decision(commit: Commit, trade: Trade, code_id: int) -> str:
    with commit() as session:
        return session.get_one(Claim, (trade.brand.id, code_id)).decision


def test_a_held_claim_says_why_and_is_granted(admin: Browser, trade: Trade, commit: Commit) -> None:
    code_id = hold(commit, trade, 7, member_id=1)
    page = admin.get("/console/campaigns/held").text
    assert f"{trade.items.external_id} #7" in page
    assert "41 items by one browser within 10 minutes (usual: up to 30)" in page
    answer = admin.post("/console/campaigns/held", code_id=str(code_id), decision="grant")
    assert answer.status_code == 303
    assert decision(commit, trade, code_id) == "granted"
    with commit() as session:
        owed = session.query(OutboxRow).filter_by(topic="credit").one()
        assert owed.payload["codes"] == [code_id]


def test_a_refused_claim_frees_its_points(admin: Browser, trade: Trade, commit: Commit) -> None:
    refused, kept = hold(commit, trade, 7), hold(commit, trade, 8)
    admin.get("/console/campaigns/held")
    admin.post("/console/campaigns/held", code_id=str(refused), decision="refuse")
    assert decision(commit, trade, refused) == "refused"
    assert decision(commit, trade, kept) == "held"
    with commit() as session:
        assert session.query(CampaignBudget).one().reserved_points == 5


@pytest.mark.parametrize("code_id", ["", "x", "0", "9" * 16, "9" * 40])
def test_what_is_not_on_hold_cant_be_settled(
    admin: Browser, trade: Trade, commit: Commit, code_id: str
) -> None:
    held = hold(commit, trade, 7)
    admin.get("/console/campaigns/held")
    page = admin.post("/console/campaigns/held", code_id=code_id, decision="grant")
    assert page.status_code == 409
    assert "not waiting for a decision" in page.text
    assert decision(commit, trade, held) == "held"


def test_a_campaigns_days_are_the_brands(admin: Browser, trade: Trade, commit: Commit) -> None:
    with commit() as session:
        session.execute(update(Brand).values(time_zone="America/New_York"))
    with clock.fixed(datetime(2026, 11, 2, 4, 30, tzinfo=UTC)):  # 23:30 of the day before
        assert 'value="2026-11-01"' in admin.get(NEW).text
        admin.submit(NEW, **TERMS)
        shown = admin.get("/console/campaigns").text
    made = only(commit)
    assert made.starts_at == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert made.ends_at == datetime(2027, 1, 1, 5, tzinfo=UTC)
    assert "2026-11-01 00:00" in shown
    assert "2027-01-01 00:00" in shown


def test_campaigns_are_for_administrators(
    client: FlaskClient, sign_in: Callable[..., Browser]
) -> None:
    inspector = sign_in(client, "inspector")
    for path in ("/console/campaigns", NEW, "/console/campaigns/held"):
        assert inspector.get(path).status_code == 403


def test_a_form_without_its_token_launches_nothing(admin: Browser, commit: Commit) -> None:
    assert admin.client.post(NEW, data=TERMS).status_code == 400
    with commit() as session:
        assert session.query(Campaign).count() == 0
