"""Set-up: distributors, and the sites where goods are made, kept and sold."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core import clock
from core.errors import YimaError
from identity import queries
from identity.distributor import add_distributor
from identity.errors import BadCode, BadName, DistributorNeeded, DistributorNotAllowed, NameTaken
from identity.models import Distributor, Site
from identity.site import add_site
from scanapp.brand import words
from scanapp.brand.setup import MANAGE_PEOPLE, section
from scanapp.office import door, regions
from scanapp.web import forms
from scanapp.web.errors import message_of
from scanapp.web.extensions import db_session
from traceability import queries as goods

ABOUT: forms.About = {BadName: "name", BadCode: "code", NameTaken: "code"}


@section.route("/set-up", methods=["GET", "POST"])
@door.requires(MANAGE_PEOPLE)
def distributors() -> Response | str | tuple[str, int]:
    """The distributors with their territories and sites; adds one."""

    def do() -> Response:
        added = add_distributor(
            db_session,
            door.brand().id,
            request.form.get("code", ""),
            request.form.get("name", ""),
        )
        flash(_("“%(name)s” is added. Now give it a territory.", name=added.name), "genuine")
        return redirect(url_for("brand.setup.territories", distributor=added.id), code=303)

    return forms.answered(do, _distributors, ABOUT)


@section.route("/set-up/sites", methods=["GET", "POST"])
@door.requires(MANAGE_PEOPLE)
def sites() -> Response | str | tuple[str, int]:
    """The brand's and the distributors' sites; adds one."""

    def do() -> Response:
        added = add_site(
            db_session,
            door.brand().id,
            code=request.form.get("code", ""),
            name=request.form.get("name", ""),
            kind=request.form.get("kind", ""),
            region_code=regions.find(request.form.get("region", "")),
            channel=request.form.get("channel") or None,
            distributor_id=forms.whole(request.form, "distributor"),
        )
        flash(_("“%(name)s” is added.", name=added.name), "genuine")
        return redirect(url_for("brand.setup.sites"), code=303)

    return forms.answered(
        do,
        _sites,
        {
            **ABOUT,
            regions.NoSuchRegion: "region",
            DistributorNeeded: "distributor",
            DistributorNotAllowed: "distributor",
        },
    )


def _distributors(error: YimaError | None) -> str:
    brand_id = door.brand().id
    after = request.args.get("after", "")
    found = queries.distributors(db_session, brand_id, after)
    now = clock.now()
    places: dict[int, list[str]] = defaultdict(list)
    for territory in goods.territories(db_session, brand_id):
        if territory.valid_to is None or territory.valid_to > now:
            places[territory.distributor_id].append(regions.name_of(territory.region_code))
    return render_template(
        "setup/distributors.html",
        distributors=found,
        places=places,
        sites=Counter(site.distributor_id for site in queries.sites(db_session, brand_id)),
        values=request.form,
        error=message_of(error) if error else None,
        next_url=_next("brand.setup.distributors", found),
    )


def _sites(error: YimaError | None) -> str:
    brand_id = door.brand().id
    found = queries.sites(db_session, brand_id, after=request.args.get("after", ""))
    return render_template(
        "setup/sites.html",
        sites=found,
        places={site.region_code: regions.name_of(site.region_code) for site in found},
        kinds=words.site_kinds(),
        channels=words.channels(),
        companies=companies(),
        regions=regions.offered(),
        choices=regions.choices(error),
        values=request.form,
        error=message_of(error) if error else None,
        next_url=_next("brand.setup.sites", found),
    )


def companies() -> list[tuple[int, str]]:
    """Id and name of each distributor, as choices of a form."""
    found = queries.distributors(db_session, door.brand().id)
    return [(company.id, f"{company.name} · {company.code}") for company in found]


def _next(endpoint: str, found: Sequence[Distributor] | Sequence[Site]) -> str | None:
    """The next page's address, if the list may go on."""
    if len(found) < queries.MOST:
        return None
    return url_for(endpoint, after=found[-1].code)
