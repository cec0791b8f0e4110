"""Campaigns: what runs and what is left of its budget, launching, stopping."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.wrappers import Response

from codegen import queries as codes
from core import clock
from core.day import day_of, start_of
from core.errors import N_, YimaError
from rewards import queries
from rewards.campaign import Terms, launch, stop
from rewards.models import Campaign
from scanapp.brand.rewards import MANAGE_CAMPAIGNS, section
from scanapp.office import door, regions
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.language import moment, named

AREAS_MAX = 500


class TooManyAreas(YimaError):
    code = "too_many_areas"
    message = N_("A campaign names at most %(limit)s areas. Name larger ones.")


ABOUT: forms.About = {
    "ends_at": "ends_on",
    TooManyAreas: "areas",
    regions.NoSuchRegion: "areas",
    regions.SeveralRegions: "areas",
}


@dataclass(frozen=True)
class CampaignLine:
    """A campaign as the list shows it."""

    id: int
    name: str
    status: str
    points: int
    reserved: int
    budget: int
    starts_at: str | None
    ends_at: str | None
    products: str | None
    areas: str | None
    daily_limit: int | None


@section.get("/campaigns")
@door.requires(MANAGE_CAMPAIGNS)
def campaigns() -> str:
    """All campaigns, newest first, with what is promised of each budget."""
    brand_id = door.brand().id
    products = {product.id: named(product) for product in codes.products(db_session, brand_id)}
    now = clock.now()
    lines = [
        _line(campaign, reserved, products, now)
        for campaign, reserved in queries.campaigns(db_session, brand_id)
    ]
    held = queries.claim_totals(db_session, brand_id).held
    return render_template("rewards/campaigns.html", campaigns=lines, held=held)


@section.route("/campaigns/new", methods=["GET", "POST"])
@door.requires(MANAGE_CAMPAIGNS)
def campaign_new() -> Response | str | tuple[str, int]:
    """Launches a campaign with the terms typed."""

    def do() -> Response:
        campaign = launch(db_session, door.brand().id, _terms(request.form))
        flash(_("“%(name)s” is launched.", name=named(campaign)), "genuine")
        return redirect(url_for("brand.rewards.campaigns"), code=303)

    return forms.answered(do, _form, ABOUT)


@section.post("/campaigns/<int(max=9223372036854775807):campaign_id>/stop")
@door.requires(MANAGE_CAMPAIGNS)
def campaign_stop(campaign_id: int) -> Response:
    """Stops the campaign; what was promised stays promised."""
    stop(db_session, door.brand().id, campaign_id)
    flash(_("The campaign is stopped. What it granted stays granted."), "genuine")
    return redirect(url_for("brand.rewards.campaigns"), code=303)


def _terms(form: ImmutableMultiDict[str, str]) -> Terms:
    areas = [line for line in form.get("areas", "").splitlines() if line.strip()]
    if len(areas) > AREAS_MAX:
        raise TooManyAreas(limit=AREAS_MAX)
    last_day, zone = forms.day(form, "ends_on"), door.brand().time_zone
    ticked = [forms.whole({"product": one}, "product") for one in form.getlist("product")]
    product_ids = tuple(one for one in ticked if one is not None)
    return Terms(
        name_zh=form.get("name_zh", ""),
        name_en=form.get("name_en", ""),
        points=forms.needed(forms.whole(form, "points"), "points"),
        budget_points=forms.needed(forms.whole(form, "budget_points"), "budget_points"),
        starts_at=start_of(forms.needed(forms.day(form, "starts_on"), "starts_on"), zone),
        ends_at=start_of(last_day + timedelta(days=1), zone) if last_day else None,
        product_ids=product_ids or None,
        area_codes=tuple(regions.find(area) for area in areas) or None,
        daily_limit=forms.whole(form, "daily_limit"),
    )


def _form(error: YimaError | None) -> str:
    today = day_of(clock.now(), door.brand().time_zone)
    values = request.form or MultiDict({"starts_on": today.isoformat()})
    return render_template(
        "rewards/campaign_new.html",
        values=values,
        chosen=set(values.getlist("product")),
        products=codes.products(db_session, door.brand().id),
        error=message_of(error) if error else None,
    )


def _line(
    campaign: Campaign, reserved: int, products: Mapping[int, str], now: datetime
) -> CampaignLine:
    listed = [products.get(product_id, "") for product_id in campaign.product_ids or ()]
    areas = [regions.name_of(code) for code in campaign.area_codes or ()]
    return CampaignLine(
        id=campaign.id,
        name=named(campaign),
        status=_status(campaign, now),
        points=campaign.points,
        reserved=reserved,
        budget=campaign.budget_points,
        starts_at=moment(campaign.starts_at, "short"),
        ends_at=moment(campaign.ends_at, "short"),
        products=_short(listed),
        areas=_short(areas),
        daily_limit=campaign.daily_limit,
    )


def _short(names: list[str], shown: int = 5) -> str | None:
    more = f" +{len(names) - shown}" if len(names) > shown else ""
    return "; ".join(names[:shown]) + more if names else None


def _status(campaign: Campaign, now: datetime) -> str:
    if campaign.stopped_at is not None:
        return "stopped"
    if campaign.ends_at is not None and campaign.ends_at <= now:
        return "ended"
    return "planned" if campaign.starts_at > now else "running"
