"""The brand's console: order codes, move goods, run campaigns, look into findings."""

from flask import Blueprint

from identity.permission import Permission
from scanapp.office.door import MenuEntry, Office

blueprint = Blueprint("brand", __name__, url_prefix="/console", template_folder="templates")

office = Office(
    blueprint,
    enter=Permission.ENTER_CONSOLE,
    home="brand.overview",
    menu=(
        MenuEntry("brand.overview", "Overview", Permission.ENTER_CONSOLE),
        MenuEntry("brand.findings", "Findings", Permission.SEE_FINDINGS),
        MenuEntry("brand.orders", "Codes", Permission.ACTIVATE_CODES),
        MenuEntry("brand.goods", "Goods", Permission.SHIP_GOODS),
        MenuEntry("brand.look_up", "Look up", Permission.TRACE_ITEMS),
        MenuEntry("brand.campaigns", "Campaigns", Permission.MANAGE_CAMPAIGNS),
        MenuEntry("brand.people", "Set-up", Permission.MANAGE_PEOPLE),
    ),
)

# Each file adds its pages to the blueprint.
from scanapp.brand import (  # noqa: E402
    campaigns,
    codes,
    downloads,
    findings,
    goods,
    held,
    look_up,
    operators,
    overview,
    people,
    territories,
)

PAGES = (
    campaigns,
    codes,
    downloads,
    findings,
    goods,
    held,
    look_up,
    operators,
    overview,
    people,
    territories,
)
