"""Claims on hold: why each was held, and the brand's decision."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from werkzeug.wrappers import Response

from codegen import queries as codes
from core.errors import N_, YimaError
from rewards import queries
from rewards.errors import ClaimNotHeld
from rewards.settle import settle_all
from scanapp.brand import words
from scanapp.brand.rewards import MANAGE_CAMPAIGNS, section
from scanapp.office import door
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from scanapp.web.language import moment, named

CODE_ID_DIGITS_MAX = 16


class NothingTicked(YimaError):
    code = "nothing_ticked"
    message = N_("Tick the claims that you decide about.")


@dataclass(frozen=True)
class HeldLine:
    """A held claim; `browser` is the same for claims of one visitor."""

    code_id: int
    code: str
    at: str | None
    campaign: str
    points: int
    browser: str
    signed_in: bool
    reasons: list[str]


@section.get("/campaigns/held")
@door.requires(MANAGE_CAMPAIGNS)
def held() -> str:
    """The claims that wait, oldest first."""
    return _page()


@section.post("/campaigns/held")
@door.requires(MANAGE_CAMPAIGNS)
def held_settle() -> Response | str | tuple[str, int]:
    """Grants the held claims that were ticked, or refuses them."""
    grants = request.form.get("decision") == "grant"

    def do() -> Response:
        codes = [_code_id(typed) for typed in request.form.getlist("code_id")]
        if not codes:
            raise NothingTicked()
        settle_all(db_session, door.brand().id, codes, grants, door.operator().name)
        flash(_told(grants, len(codes)), "genuine")
        return redirect(url_for("brand.rewards.held"), code=303)

    return forms.answered(do, _page)


def _told(grants: bool, count: int) -> str:
    if grants:
        return ngettext(
            "Granted: the points follow.",
            "%(number)s granted: the points follow.",
            count,
            number=format_decimal(count),
        )
    return ngettext(
        "Refused: the points are free.",
        "%(number)s refused: the points are free.",
        count,
        number=format_decimal(count),
    )


def _code_id(typed: str) -> int:
    # Up to 52 bits, more than `forms.whole` reads.
    if not (typed.isascii() and typed.isdigit() and len(typed) <= CODE_ID_DIGITS_MAX):
        raise ClaimNotHeld()
    return int(typed)


def _page(error: YimaError | None = None) -> str:
    brand_id = door.brand().id
    claims = queries.held_claims(db_session, brand_id)
    names = codes.names_of(db_session, brand_id, [claim.code_id for claim in claims])
    campaigns = {
        campaign.id: named(campaign) for campaign, _r in queries.campaigns(db_session, brand_id)
    }
    lines = [
        HeldLine(
            code_id=claim.code_id,
            code=names.get(claim.code_id, ""),
            at=moment(claim.decided_at, "short"),
            campaign=campaigns.get(claim.campaign_id, ""),
            points=claim.points,
            browser=claim.visitor_id.hex[:6],
            signed_in=claim.member_id is not None,
            reasons=[words.reason(reason) for reason in claim.reasons or ()],
        )
        for claim in claims
    ]
    return render_template(
        "rewards/held.html", claims=lines, error=message_of(error) if error else None
    )
