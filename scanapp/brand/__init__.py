"""The brand's console: a section for each of its tasks, in the order of the menu."""

from flask import Blueprint

from scanapp.brand import codes, findings, goods, look_up, overview, rewards, setup
from scanapp.office.door import Office

blueprint = Blueprint("brand", __name__, url_prefix="/console")

office = Office(
    blueprint,
    enter=overview.ENTER_CONSOLE,
    home="brand.overview.dashboard",
    sections=(
        overview.section,
        findings.section,
        codes.section,
        goods.section,
        look_up.section,
        rewards.section,
        setup.section,
    ),
)
