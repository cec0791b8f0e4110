"""Set-up: distributors, sites, territories, operators and API keys."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

MANAGE_PEOPLE = Permission(Role.BRAND_ADMIN)

section = Section("setup", __name__, MenuEntry(N_("Set-up"), "distributors", MANAGE_PEOPLE))

# Each file adds its pages to the section.
from scanapp.brand.setup import operators, parties, territories  # noqa: E402

PAGES = (operators, parties, territories)
