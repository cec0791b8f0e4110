"""Goods: what is where, and packing, shipping and receiving it."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

PACK_GOODS = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE)
SHIP_GOODS = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE)
RECEIVE_GOODS = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE)

section = Section("goods", __name__, MenuEntry(N_("Goods"), "stock", SHIP_GOODS))

# Each file adds its pages to the section.
from scanapp.brand.goods import movements  # noqa: E402

PAGES = (movements,)
