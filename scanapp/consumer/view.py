"""What the scan page shows, made from intake's answer: words and links, no decisions."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import format_decimal
from flask_babel import gettext as _

from codegen.models import RangeState
from core import clock
from core.errors import N_
from rewards.answer import ClaimAnswer, ClaimState
from scanapp.consumer.visitor import Ticket, issue
from scanapp.intake.answer import Answer
from scanapp.intake.decide import SAME_HOUSEHOLD
from scanapp.web.extensions import process
from scanapp.web.language import day, moment, named, place_name, tell_times_of
from traceability.verdict import Decision
from traceability.visit import Outcome


@dataclass(frozen=True)
class ClaimView:
    """`state`: offered, granted, waiting (for sign-in), held, refused or taken."""

    state: str
    points: int
    campaign_name: str | None = None
    title_text: str | None = None
    reason_text: str | None = None
    rules_text: str | None = None


@dataclass(frozen=True)
class CodeView:
    """The scan page of one code; `still_first` for who checked it first and just now."""

    outcome: str
    serial: str
    brand_name: str | None = None
    suspect: bool = False
    other_lot: str | None = None
    told: str | None = None
    product_name: str | None = None
    gtin: str | None = None
    lot: str | None = None
    produced_on: str | None = None
    expires_on: str | None = None
    frozen: bool = False
    void_reason: str | None = None
    first_at: str | None = None
    first_place: str | None = None
    scans: int = 0
    still_first: bool = False
    claim: ClaimView | None = None
    signed_in: bool = False
    ticket: str | None = None
    claim_url: str | None = None
    place_url: str | None = None
    beacon_url: str | None = None
    sign_in_url: str | None = None
    wallet_url: str | None = None
    report_url: str | None = None


def unknown(outcome: str, serial: str, report_url: str | None, told: str | None = None) -> CodeView:
    """The page of what is no code of ours; `told` says what is wrong with what was typed."""
    return CodeView(outcome=outcome, serial=serial, report_url=report_url, told=told)


def of_answer(answer: Answer, ticket: Ticket, refusal: str | None = None) -> CodeView:
    """The page of a code that opened; `refusal` is the reason a claim was just turned away."""
    content = process().catalogue.content
    brand = process().catalogue.brand(answer.brand_id)
    tell_times_of(brand)
    product = content.products.get(answer.product_id or 0)
    text = issue(ticket)
    wallet_url = url_for("consumer.wallet", brand_code=brand.code)
    doubts = {reason.code for reason in answer.verdict.reasons}
    return CodeView(
        outcome=_shown(answer),
        serial=ticket.serial,
        brand_name=named(brand),
        suspect=answer.verdict.decision is not Decision.ALLOW and doubts != {"other_lot"},
        other_lot=_other_lot(answer),
        product_name=named(product) if product else None,
        gtin=product.gtin if product else None,
        lot=answer.lot,
        produced_on=day(answer.produced_on),
        expires_on=day(answer.expires_on),
        frozen=answer.state == RangeState.FROZEN,
        void_reason=answer.void_reason,
        first_at=moment(answer.first_at),
        first_place=place_name(process().catalogue.regions, answer.first_region),
        scans=answer.scans,
        still_first=_is_still_first(answer),
        claim=_claim(answer, refusal),
        signed_in=answer.member_id is not None,
        ticket=text,
        claim_url=url_for("consumer.claim"),
        place_url=url_for("consumer.place"),
        beacon_url=url_for("consumer.beacon", ticket=text),
        sign_in_url=url_for("consumer.sign_in", brand_code=brand.code),
        wallet_url=wallet_url,
        report_url=url_for("consumer.report", serial=ticket.serial),
    )


def _other_lot(answer: Answer) -> str | None:
    """The lot that the scanned link names, where it is not the item's."""
    lots = [one.facts["link"] for one in answer.verdict.reasons if one.code == "other_lot"]
    return str(lots[0]) if lots else None


def _shown(answer: Answer) -> Outcome:
    """The outcome as the reader is told it.

    Where no place is known a second browser within the hour may well be the same person's: nothing
    speaks for a copy, so nothing alarming is said.
    """
    is_placeless = answer.first_at is not None and answer.first_region is None
    if answer.outcome is not Outcome.AGAIN_OTHER or not is_placeless:
        return answer.outcome
    assert answer.first_at is not None
    is_soon = abs(clock.now() - answer.first_at) <= SAME_HOUSEHOLD
    return Outcome.AGAIN_NEAR if is_soon else Outcome.AGAIN_OTHER


def _is_still_first(answer: Answer) -> bool:
    """Whether the page comes again to who has just scanned the item first, as after a claim."""
    if answer.outcome is not Outcome.AGAIN_MINE or answer.scans > 1 or answer.first_at is None:
        return False
    return clock.now() - answer.first_at <= SAME_HOUSEHOLD


def _claim(answer: Answer, refusal: str | None) -> ClaimView | None:
    made = answer.claim
    if made is not None:
        return _made(made, answer)
    refused_text = reason_text(refusal)
    if refused_text is not None:
        later = {"daily_limit": _("Enough for today"), "not_started": _("Not yet")}
        title = later.get(refusal or "", _("No points for this code"))
        return ClaimView(ClaimState.REFUSED, 0, title_text=title, reason_text=refused_text)
    if answer.offer_points is None:
        return None
    name, rules = _campaign(answer.offer_campaign_id)
    return ClaimView("offered", answer.offer_points, campaign_name=name, rules_text=rules)


def _made(made: ClaimAnswer, answer: Answer) -> ClaimView:
    name, rules = _campaign(made.campaign_id)
    state: str = made.state
    if state == ClaimState.GRANTED and made.member_id is None:
        state = "waiting"
    reason = reason_text(made.reason or state)
    if state == "held" and _other_lot(answer) is not None:
        reason = _("The link names another lot than the product's. The brand checks this claim.")
    return ClaimView(state, made.points, name, _("No points for this code"), reason, rules)


def _campaign(campaign_id: int | None) -> tuple[str | None, str | None]:
    """The campaign's name and its rules in words."""
    regions = process().catalogue.regions
    for campaign in process().catalogue.content.campaigns:
        if campaign.id != campaign_id:
            continue
        rules = [_("Each product pays once, to the first person who claims it.")]
        if campaign.ends_at is not None:
            rules.append(_("Until %(when)s.", when=moment(campaign.ends_at)))
        if campaign.daily_limit is not None:
            rules.append(
                _(
                    "At most %(num)s claims per person and day.",
                    num=format_decimal(campaign.daily_limit),
                )
            )
        if campaign.area_codes:
            places = [place_name(regions, code) or code for code in campaign.area_codes[:20]]
            rules.append(_("For products supplied to: %(places)s.", places=", ".join(places)))
        return named(campaign), " ".join(rules)
    return None, None


_TOO_MANY = N_("Too many codes were scanned here in a short time. Please contact the brand.")
_REASONS = {
    "held": N_("An unusual number of codes was scanned here. The brand checks this claim."),
    "refused": N_("The brand has checked this claim and turned it down. Ask it for the reason."),
    "no_campaign": N_("There is no campaign for this product at the moment."),
    "not_started": N_("The campaign for this product has not started yet."),
    "ended": N_("The campaign for this product has ended."),
    "other_area": N_("The campaign is for products supplied to other areas."),
    "daily_limit": N_(
        "You have reached today's number of claims. Claim this one tomorrow: it stays open."
    ),
    "exhausted": N_("All points of this campaign have been given out."),
    "taken": N_("The points of an item are given once, to the first who claims them."),
    **dict.fromkeys(("velocity", "impossible_travel", "forged_source"), _TOO_MANY),
}


def reason_text(reason: str | None) -> str | None:
    """Why a claim was not granted, in the reader's words; None for what is no reason of ours."""
    text = _REASONS.get(reason or "")
    return _(text) if text is not None else None
