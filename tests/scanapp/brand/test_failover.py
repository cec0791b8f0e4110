"""The primary is demoted while pages are open: told the truth for seconds, then well by itself."""

from flask import Flask

from rewards.models import Campaign
from scanapp.web.extensions import db
from tests.demotion import demoted
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser

NEW = "/console/campaigns/new"
TERMS = {"name_zh": "开盖有礼", "points": "5", "budget_points": "100", "starts_on": "2026-11-01"}


def test_a_form_is_refused_while_nobody_writes_and_taken_afterwards(
    app: Flask, admin: Browser, trade: Trade, commit: Commit, database_url: str
) -> None:
    with app.app_context():
        db.engine.dispose()
    with demoted(database_url):
        refused = admin.submit(NEW, **TERMS)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert admin.get("/console/campaigns").status_code == 200  # what only reads goes on
    assert trade.count(Campaign) == 0
    tries = [admin.submit(NEW, **TERMS).status_code for _ in range(2)]
    assert tries == [503, 303]
    assert trade.count(Campaign) == 1
