"""The distributors' portal: what goods they have, what is said about them, and their answer."""

from flask import Blueprint

from identity.models import Role
from identity.permission import Permission
from scanapp.distributor import findings, goods
from scanapp.office.door import Office

ENTER_PORTAL = Permission(Role.DISTRIBUTOR)

blueprint = Blueprint("distributor", __name__, url_prefix="/portal")

office = Office(
    blueprint,
    enter=ENTER_PORTAL,
    home="distributor.findings.findings",
    sections=(findings.section, goods.section),
)
