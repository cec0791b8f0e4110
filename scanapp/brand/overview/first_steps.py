"""What a new brand has to do before its first scan, and what of it is done."""

from dataclasses import dataclass
from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _

from codegen import queries as codes
from codegen.models import RangeState
from core import clock
from identity import queries as identities
from rewards import queries as rewards
from scanapp.web.extensions import db_session
from traceability import activity

QUIET = timedelta(days=30)


@dataclass(frozen=True)
class Step:
    title: str
    url: str
    is_done: bool


def first_steps(brand_id: int) -> list[Step]:
    """The steps in their order; none once all are done, or goods of the brand are being scanned."""
    if activity.was_scanned(db_session, brand_id, clock.now() - QUIET):
        return []
    is_active = codes.items_by_state(db_session, brand_id).get(RangeState.ACTIVE, 0) > 0
    steps = [
        Step(
            _("Register a product"),
            url_for("brand.codes.products"),
            bool(codes.products(db_session, brand_id)),
        ),
        Step(
            _("Order codes"),
            url_for("brand.codes.order_new"),
            bool(codes.orders(db_session, brand_id)),
        ),
        Step(_("Activate codes when the goods are made"), url_for("brand.codes.orders"), is_active),
        Step(
            _("Launch a campaign, so that scans earn points"),
            url_for("brand.rewards.campaign_new"),
            bool(rewards.campaigns(db_session, brand_id)),
        ),
        Step(
            _("Let your people in"),
            url_for("brand.setup.operators"),
            len(identities.operators(db_session, brand_id)) > 1,
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps
