"""Everything about one code, for whoever holds it in the hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask_babel import gettext as _

from core.errors import YimaError
from identity.permission import may
from scanapp.brand.findings import SEE_FINDINGS
from scanapp.brand.look_up import TRACE_ITEMS, section
from scanapp.office.door import brand, operator, requires
from scanapp.office.dossier import Moment, dossier, pseudonym
from scanapp.office.regions import tree
from scanapp.office.scanned import key_ring
from scanapp.web import language
from scanapp.web.errors import message_of, translated
from scanapp.web.extensions import db_session

TONES = {"void": "danger", "freeze": "caution", "activate": "genuine", "claim": "genuine"}


@dataclass(frozen=True)
class Entry:
    """One line of the timeline, in the reader's words."""

    at: str | None
    title: str
    text: str
    tone: str


@section.get("/look-up")
@requires(TRACE_ITEMS)
def code() -> str | tuple[str, int]:
    """A field for a code, and beneath it the dossier of the code that was asked for."""
    asked = request.args.get("code", "")
    found, error = None, None
    if asked.strip():
        try:
            found = dossier(db_session, key_ring(), tree(), asked, brand().id)
        except YimaError as refusal:
            error = refusal
    page = render_template(
        "look_up/code.html",
        asked=asked,
        found=found,
        error=message_of(error) if error else None,
        doubts=[translated(doubt) for doubt in found.doubts] if found else (),
        entries=entries(found.timeline) if found else (),
        sources=_sources(),
        pseudonym=pseudonym,
        sees_findings=may(operator().role, SEE_FINDINGS),
    )
    return (page, error.status) if error else page


def entries(timeline: Sequence[Moment]) -> list[Entry]:
    """The timeline in words, newest first."""
    return [
        Entry(
            at=language.moment(moment.at),
            title=_title(moment),
            text=_details(moment),
            tone=_tone(moment),
        )
        for moment in reversed(timeline)
    ]


def _title(moment: Moment) -> str:
    titles = {
        "ordered": _("Code ordered"),
        "activate": _("Activated"),
        "freeze": _("Frozen"),
        "thaw": _("Thawed"),
        "void": _("Voided"),
        "packing": _("Packed"),
        "shipping": _("Shipped"),
        "receiving": _("Received"),
        "inspecting": _("Inspected"),
        "scan": _("Scanned"),
        "claim": _("Points claimed"),
    }
    title = titles.get(moment.kind, moment.kind)
    return _("%(what)s, with its carton", what=title) if moment.of_carton else title


def _details(moment: Moment) -> str:
    way = f"{moment.site} → {moment.to_site}" if moment.to_site else moment.site
    told = {"scan": _outcomes(), "claim": _decisions()}.get(moment.kind, {})
    text = told.get(moment.text, moment.text) if moment.text else None
    place = language.named(moment.place) if moment.place else None
    return " · ".join(part for part in (way, text, place, moment.document, moment.actor) if part)


def _tone(moment: Moment) -> str:
    if moment.kind == "scan":
        return {"first": "genuine", "again_other": "caution", "void": "danger"}.get(
            moment.text or "", "neutral"
        )
    return TONES.get(moment.kind, "neutral")


def _outcomes() -> dict[str, str]:
    return {
        "first": _("first check"),
        "again_mine": _("checked again by the same person"),
        "again_near": _("checked again nearby within the hour"),
        "again_other": _("checked again by somebody else"),
        "inactive": _("not activated yet"),
        "void": _("not valid"),
        "outer": _("outer code"),
    }


def _decisions() -> dict[str, str]:
    return {"granted": _("granted"), "held": _("on hold"), "refused": _("refused")}


def _sources() -> dict[str, str]:
    """How a place became known."""
    return {
        "proxy": _("the address of the connection"),
        "browser": _("the browser, with consent"),
        "app": _("the app, with consent"),
        "operator": _("a signed-in operator"),
    }
