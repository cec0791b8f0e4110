"""The distributors' portal: what goods they have, what is said about them, and their answer."""

from flask import Blueprint

from identity.permission import Permission
from scanapp.office.door import MenuEntry, Office

blueprint = Blueprint("distributor", __name__, url_prefix="/portal", template_folder="templates")

office = Office(
    blueprint,
    enter=Permission.ENTER_PORTAL,
    home="distributor.findings",
    menu=(
        MenuEntry("distributor.findings", "Findings", Permission.ANSWER_FINDINGS),
        MenuEntry("distributor.goods", "Goods", Permission.RECEIVE_GOODS),
    ),
)

# Each file adds its pages to the blueprint.
from scanapp.distributor import findings, goods  # noqa: E402

PAGES = (findings, goods)
