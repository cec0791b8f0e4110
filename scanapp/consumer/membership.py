"""Sign-in by phone and one-time code, the wallet, and signing out."""

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import YimaError
from identity.models import Brand
from members import bind, code, queries, seal
from members.errors import CannotUnseal
from members.models import Member
from rewards import bind as claims
from rewards.queries import HISTORY_LIMIT, WalletEntry, waiting_points, wallet_of
from scanapp import measures
from scanapp.consumer import blueprint
from scanapp.consumer.visitor import become, known_visitor, visitor
from scanapp.web import forms, language
from scanapp.web.address import client_address
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session, process, settings_of

_PHONE = "phone_to_confirm"


@dataclass(frozen=True)
class SignInView:
    brand_name: str
    step: str  # phone, then code
    action_url: str
    phone: str = ""
    consent: bool = False
    points_waiting: int = 0
    resend_url: str | None = None
    resend_after_seconds: int = 0
    back_url: str | None = None


@dataclass(frozen=True)
class EntryView:
    why: str
    product: str | None
    at: str | None
    points: int
    state: str | None


@dataclass(frozen=True)
class WalletView:
    brand_name: str
    member_phone: str | None
    balance: int
    waiting: int
    entries: list[EntryView] = field(default_factory=list)
    older_hidden: bool = False
    sign_in_url: str | None = None
    sign_out_url: str | None = None


@blueprint.route("/m/<brand_code>/sign-in", methods=["GET", "POST"])
def sign_in(brand_code: str) -> Response | str | tuple[str, int]:
    """Asks for the phone number and sends a code to it."""
    brand = _brand(brand_code)
    if request.method != "POST":
        return _phone_form(brand)
    phone, consent = request.form.get("phone", ""), "consent" in request.form
    if not consent:
        text = _("Without this we can't keep your points for you. Tick the box to go on.")
        forms.mark({"consent": text})
        return _phone_form(brand, phone=phone), 400
    refusal = _send(brand, phone)
    if refusal is not None:
        forms.mark({"phone": message_of(refusal)})
        return _phone_form(brand, phone=phone, consent=True), refusal.status
    session[_PHONE] = _sealed(brand, phone)
    return redirect(url_for("consumer.confirm", brand_code=brand.code), code=303)


@blueprint.post("/m/<brand_code>/sign-in/again")
def send_again(brand_code: str) -> Response:
    """Sends another code to the number that is being confirmed, or says when it may."""
    brand = _brand(brand_code)
    phone = _unsealed(brand, session.get(_PHONE, ""))
    if phone is None:
        return redirect(url_for("consumer.sign_in", brand_code=brand.code), code=303)
    refusal = _send(brand, phone)
    if refusal is None:
        flash(_("Another code is on its way. Only the newest counts."), "success")
    else:
        flash(message_of(refusal), "warning")
    return redirect(url_for("consumer.confirm", brand_code=brand.code), code=303)


@blueprint.route("/m/<brand_code>/sign-in/code", methods=["GET", "POST"])
def confirm(brand_code: str) -> Response | str | tuple[str, int]:
    """Signs in whoever knows the code that was sent; points that wait become theirs."""
    brand = _brand(brand_code)
    phone = _unsealed(brand, session.get(_PHONE, ""))
    if phone is None:
        return redirect(url_for("consumer.sign_in", brand_code=brand.code))
    if request.method != "POST":
        return _code_form(brand, phone)
    secret = settings_of().secret_key
    try:
        typed = request.form.get("code", "")
        confirmed = code.confirm(db_session, brand.id, phone, typed, secret, visitor())
        refusal = confirmed.refusal
    except YimaError as error:
        db_session.rollback()
        refusal = error
    if refusal is not None:
        forms.mark({"code": message_of(refusal)})
        return _code_form(brand, phone), refusal.status
    _bind(brand, phone, secret)
    session.pop(_PHONE)
    return redirect(url_for("consumer.wallet", brand_code=brand.code), code=303)


@blueprint.get("/m/<brand_code>/")
def wallet(brand_code: str) -> str:
    """The points of whoever is signed in, and those that wait for a sign-in."""
    brand = _brand(brand_code)
    known = known_visitor()
    member = queries.member_of(db_session, brand.id, known) if known else None
    return render_template("consumer/wallet.html", view=_wallet(brand, member))


@blueprint.post("/m/<brand_code>/sign-out")
def sign_out(brand_code: str) -> Response:
    """Ends the session; the browser goes on as a new visitor."""
    brand = _brand(brand_code)
    bind.sign_out(db_session, brand.id, visitor())
    become(uuid.uuid4())
    return redirect(url_for("consumer.wallet", brand_code=brand.code), code=303)


def _send(brand: Brand, phone: str) -> YimaError | None:
    """Sends a code to the number; why not, when it may not."""
    address = client_address(request, settings_of().trusted_proxies)
    try:
        code.request(
            db_session,
            brand.id,
            phone,
            process().sender,
            settings_of().secret_key,
            language=language.language(),
            source=process().source(address).hex(),
            visitor_id=visitor(),
            countries=settings_of().code_countries,
        )
    except YimaError as error:
        db_session.rollback()
        measures.CODES.labels("refused").inc()
        return error
    measures.CODES.labels(_where_to(phone)).inc()
    return None


def _where_to(phone: str) -> str:
    """Home or abroad: whoever sends codes around the world shows in the figures."""
    is_home = seal.country(seal.normal(phone)) == code.HOME
    return "home" if is_home else "abroad"


def _sealed(brand: Brand, phone: str) -> str:
    """The number for the browser to carry to the next step, unreadable on the way."""
    sealed = seal.seal(settings_of().secret_key, brand.id, seal.normal(phone))
    return base64.b64encode(sealed).decode()


def _unsealed(brand: Brand, text: str) -> str | None:
    try:
        return seal.unseal(settings_of().secret_key, brand.id, base64.b64decode(text))
    except (CannotUnseal, ValueError):
        return None


def _bind(brand: Brand, phone: str, secret: bytes) -> None:
    """The visitor is the member from now on, with the claims it made before."""
    before = visitor()
    claims.lock_visitor(db_session, before)
    signed_in = bind.sign_in(db_session, brand.id, before, phone, secret)
    if signed_in.is_first:
        claims.bind(db_session, brand.id, before, signed_in.member.id)
    become(signed_in.visitor_id)


def _brand(brand_code: str) -> Brand:
    process().take_care()
    brand = process().catalogue.brand_called(brand_code)
    if brand is None:
        abort(404)
    language.tell_times_of(brand)
    return brand


def _phone_form(brand: Brand, **shown: Any) -> str:
    view = SignInView(
        brand_name=language.named(brand),
        step="phone",
        action_url=url_for("consumer.sign_in", brand_code=brand.code),
        points_waiting=_waiting(brand),
        **shown,
    )
    return render_template("consumer/sign_in.html", view=view)


def _code_form(brand: Brand, phone: str) -> str:
    view = SignInView(
        brand_name=language.named(brand),
        step="code",
        action_url=url_for("consumer.confirm", brand_code=brand.code),
        phone=seal.mask(phone),
        points_waiting=_waiting(brand),
        resend_url=url_for("consumer.send_again", brand_code=brand.code),
        resend_after_seconds=int(code.PAUSE.total_seconds()),
        back_url=url_for("consumer.sign_in", brand_code=brand.code),
    )
    return render_template("consumer/sign_in.html", view=view)


def _waiting(brand: Brand) -> int:
    """The points that wait for this browser to sign in."""
    known = known_visitor()
    return waiting_points(db_session, brand.id, known) if known else 0


def _wallet(brand: Brand, member: Member | None) -> WalletView:
    if member is None:
        return WalletView(
            brand_name=language.named(brand),
            member_phone=None,
            balance=0,
            waiting=_waiting(brand),
            sign_in_url=url_for("consumer.sign_in", brand_code=brand.code),
        )
    found = wallet_of(db_session, brand.id, member.id)
    phones = queries.masked_phones(db_session, brand.id, [member.id], settings_of().secret_key)
    return WalletView(
        brand_name=language.named(brand),
        member_phone=phones.get(member.id),
        balance=found.balance_points,
        waiting=found.waiting_points,
        entries=[_entry(entry) for entry in found.entries],
        older_hidden=len(found.entries) == HISTORY_LIMIT,
        sign_out_url=url_for("consumer.sign_out", brand_code=brand.code),
    )


def _entry(entry: WalletEntry) -> EntryView:
    is_english = language.language() == "en"
    states = {"held": "held", "crediting": "waiting"}
    return EntryView(
        why=entry.campaign_en if is_english else entry.campaign_zh,
        product=entry.product_en if is_english else entry.product_zh,
        at=language.moment(entry.at),
        points=entry.points,
        state=states.get(entry.state),
    )
