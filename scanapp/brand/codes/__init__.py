"""Products, orders of codes, the states of codes, and files for the printing house."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

MANAGE_PRODUCTS = Permission(Role.BRAND_ADMIN)
ORDER_CODES = Permission(Role.BRAND_ADMIN)  # and fetch the printer's files
ACTIVATE_CODES = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE)
BLOCK_CODES = Permission(Role.BRAND_ADMIN)  # freeze, thaw, void

section = Section("codes", __name__, MenuEntry(N_("Codes"), "orders", ACTIVATE_CODES))

# Each file adds its pages to the section.
from scanapp.brand.codes import downloads, orders, products, states  # noqa: E402

PAGES = (downloads, orders, products, states)
