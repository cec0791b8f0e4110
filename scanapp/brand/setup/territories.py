"""Territories: who may sell what where, granted and ended."""

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from codegen import queries as codes
from core import clock
from core.day import day_of, start_of
from core.errors import YimaError
from identity import queries as identities
from scanapp.brand import words
from scanapp.brand.setup import MANAGE_PEOPLE, section
from scanapp.brand.setup.parties import companies
from scanapp.office import door, regions
from scanapp.web import forms, language
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from traceability import queries
from traceability.errors import TerritoryExists
from traceability.territory import end, grant


@section.route("/set-up/territories", methods=["GET", "POST"])
@door.requires(MANAGE_PEOPLE)
def territories() -> Response | str | tuple[str, int]:
    """All territories of the brand or, by `?distributor=`, of one company; grants one."""

    def do() -> Response:
        zone, last_day = door.brand().time_zone, forms.day(request.form, "valid_to")
        first_day = forms.day(request.form, "valid_from") or _today()
        grant(
            db_session,
            brand_id=door.brand().id,
            distributor_id=forms.needed(forms.whole(request.form, "distributor"), "distributor"),
            region_code=regions.find(request.form.get("region", "")),
            valid_from=start_of(first_day, zone),
            valid_to=start_of(last_day, zone) if last_day else None,
            product_id=forms.whole(request.form, "product"),
            channel=request.form.get("channel") or None,
        )
        return _changed(_("The territory is granted. Past scans are judged again by it."))

    return forms.answered(
        do, _page, {regions.NoSuchRegion: "region", TerritoryExists: "valid_from"}
    )


@section.post("/set-up/territories/<int(max=9223372036854775807):territory_id>/end")
@door.requires(MANAGE_PEOPLE)
def territory_end(territory_id: int) -> Response | str | tuple[str, int]:
    """Ends the territory now; what was scanned before keeps it."""

    def do() -> Response:
        end(db_session, brand_id=door.brand().id, territory_id=territory_id, at=clock.now())
        return _changed(_("The territory has ended. Scans before now keep it."))

    return forms.answered(do, _page)


def _changed(message: str) -> Response:
    flash(message, "genuine")
    return redirect(url_for("brand.setup.territories"), code=303)


def _today() -> date:
    return day_of(clock.now(), door.brand().time_zone)


def _page(error: YimaError | None) -> str:
    brand_id, now = door.brand().id, clock.now()
    only = forms.whole(request.args, "distributor")
    found = queries.territories(db_session, brand_id, only)
    named = identities.distributors_by_id(
        db_session, brand_id, {territory.distributor_id for territory in found}
    )
    return render_template(
        "setup/territories.html",
        territories=found,
        days={t.id: (language.day_at(t.valid_from), language.day_at(t.valid_to)) for t in found},
        ended={t.id for t in found if t.valid_to is not None and t.valid_to <= now},
        planned={t.id for t in found if t.valid_from > now},
        names={company.id: company.name for company in named.values()},
        places={t.region_code: regions.name_of(t.region_code) for t in found},
        products={p.id: language.named(p) for p in codes.products(db_session, brand_id)},
        channels=words.channels(),
        companies=companies(),
        regions=regions.offered(),
        choices=regions.choices(error),
        values=request.form or MultiDict(request.args),
        today=_today().isoformat(),
        error=message_of(error) if error else None,
    )
