"""A finding as it is drawn, for the brand or for the distributor it concerns: words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from antifraud.models import Finding, FindingStep, Status
from antifraud.sentence import sentence
from antifraud.steps import numbers_of
from codegen import queries as codes
from codegen.models import Product
from identity.models import Distributor
from scanapp.office import regions
from scanapp.web import language

REGIONS_DRAWN_MAX = 12
DAYS_DRAWN_MIN, DAYS_DRAWN_MAX = 14, 180
TONES = {
    "opened": "danger", "updated": "neutral", "withdrawn": "genuine", "answered": "neutral",
    "confirmed": "danger", "dismissed": "genuine",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """Items first scanned in a region; `expected` is the honest most, where it was reckoned."""

    label: str
    value: int
    expected: float | None = None
    tone: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Dot:
    lon: float
    lat: float
    size: int
    label: str
    tone: str


@dataclass(frozen=True)
class Point:
    label: str
    value: int


@dataclass(frozen=True)
class CartonLine:
    name: str
    sscc: str | None
    document: str | None
    shipped_at: str | None
    items_here: int
    persons_here: int
    items_scanned: int
    quantity: int | None
    last_seen: str | None


@dataclass(frozen=True)
class StepLine:
    at: str | None
    title: str
    text: str
    tone: str


@dataclass(frozen=True)
class FindingView:
    """All that the page of a finding shows."""

    id: int
    status: str
    sentence: str
    place: str
    product: str
    distributor: str
    opened_at: str | None
    updated_at: str | None
    bars: list[Bar] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    days: list[Point] = field(default_factory=list)
    cartons: list[CartonLine] = field(default_factory=list)
    sources: list[tuple[str, int]] = field(default_factory=list)
    steps: list[StepLine] = field(default_factory=list)


def view_of(
    session: Session,
    found: Finding,
    product: Product | None,
    distributor: Distributor | None,
    steps: Sequence[FindingStep] = (),
    brand_name: str | None = None,
) -> FindingView:
    """The finding in the reader's language; `brand_name` stands for the names of its people."""
    evidence = found.evidence
    return FindingView(
        **headline(found, product, distributor),
        updated_at=language.moment(found.updated_at),
        bars=_bars(found),
        dots=_dots(found),
        days=_days(evidence.get("timeline", [])),
        cartons=_cartons(session, found.brand_id, evidence.get("cartons", [])),
        sources=[(_source(name), items) for name, items in evidence.get("sources", {}).items()],
        steps=[_step(step, brand_name) for step in steps],
    )


def headline(
    found: Finding, product: Product | None, distributor: Distributor | None
) -> dict[str, Any]:
    """What also a list says of the finding."""
    names = {
        "place": regions.name_of(found.region_code),
        "product": language.named(product),
        "distributor": distributor.name if distributor else "",
    }
    said = sentence(
        found, names["product"], names["distributor"], names["place"], language.language()
    )
    opened_at = language.moment(found.opened_at)
    return {
        "id": found.id, "status": found.status, "sentence": said, "opened_at": opened_at, **names,
    }  # fmt: skip


def is_answerable(found: Finding) -> bool:
    """Whether the distributor may still say something."""
    return found.status in (Status.OPEN, Status.ANSWERED)


def _bars(found: Finding) -> list[Bar]:
    """Where the flow's items were first scanned: the finding's region first, then the largest."""
    bars = [
        Bar(
            regions.name_of(found.region_code),
            found.off_scans,
            expected=round(found.expected_scans, 1),
            tone="danger",
        )
    ]
    for entry in _others(found)[: REGIONS_DRAWN_MAX - 1]:
        tone = "genuine" if not entry["items_off"] else "caution"
        bars.append(Bar(regions.name_of(entry["code"]), entry["items"], tone=tone))
    return bars


def _dots(found: Finding) -> list[Dot]:
    dots = [_dot(found.region_code, found.off_scans, "danger")]
    for entry in _others(found):
        dots.append(
            _dot(entry["code"], entry["items"], "caution" if entry["items_off"] else "genuine")
        )
    return dots


def _others(found: Finding) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found.evidence.get("regions", [])
    tree = regions.tree()
    return [e for e in listed if e["code"] != found.region_code and e["code"] in tree]


def _dot(code: str, size: int, tone: str) -> Dot:
    lat, lon = regions.tree().position(code)
    return Dot(lon, lat, size, regions.name_of(code), tone)


def _days(timeline: Sequence[dict[str, Any]]) -> list[Point]:
    """The items here on each day, also on those without any."""
    if not timeline:
        return []
    here = {date.fromisoformat(entry["day"]): entry["here"] for entry in timeline}
    last = max(here)
    first = min(min(here), last - timedelta(days=DAYS_DRAWN_MIN - 1))
    first = max(first, last - timedelta(days=DAYS_DRAWN_MAX - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [Point(language.day(day) or "", here.get(day, 0)) for day in days]


def _cartons(session: Session, brand_id: int, listed: Sequence[dict[str, Any]]) -> list[CartonLine]:
    names = codes.names_of(session, brand_id, [entry["carton_id"] for entry in listed])
    return [
        CartonLine(
            name=names.get(entry["carton_id"], ""),
            sscc=entry["sscc"],
            document=entry["document"],
            shipped_at=_moment(entry["shipped_at"]),
            items_here=entry["items_here"],
            persons_here=entry["persons_here"],
            items_scanned=entry["items_scanned"],
            quantity=entry["quantity"],
            last_seen=_moment(entry["last_seen"]),
        )
        for entry in listed
    ]


def _moment(text: str | None) -> str | None:
    return language.moment(datetime.fromisoformat(text)) if text else None


def _source(name: str) -> str:
    names = {
        "browser": _("the phone's position, shared by the consumer"),
        "app": _("the position told by an app"),
        "proxy": _("the address of the connection (province only)"),
        "operator": _("a signed-in inspector or clerk"),
    }
    return names.get(name, _("not known how"))


def _step(step: FindingStep, brand_name: str | None) -> StepLine:
    who = (brand_name or step.actor) if step.action in ("confirmed", "dismissed") else step.actor
    titles = {
        "opened": _("More than normal spill-over explains"),
        "updated": _("The numbers changed"),
        "withdrawn": _("Withdrawn: with the facts of today the numbers are ordinary"),
        "answered": _("%(who)s answered", who=who),
        "confirmed": _("Confirmed by %(who)s", who=who),
        "dismissed": _("Dismissed by %(who)s", who=who),
    }
    text = step.text
    if step.action in ("opened", "updated", "withdrawn"):
        text = _(
            "%(off)s of %(placed)s first scans were there (normal: at most %(honest)s); "
            "%(cartons)s cartons turned up together",
            **numbers_of(text),
        )
    return StepLine(
        language.moment(step.at), titles.get(step.action, step.action), text,
        TONES.get(step.action, "neutral"),
    )  # fmt: skip
