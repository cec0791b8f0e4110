"""Campaigns, and claims that wait for the brand's decision."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

MANAGE_CAMPAIGNS = Permission(Role.BRAND_ADMIN)

section = Section("rewards", __name__, MenuEntry(N_("Campaigns"), "campaigns", MANAGE_CAMPAIGNS))

# Each file adds its pages to the section.
from scanapp.brand.rewards import campaigns, held  # noqa: E402

PAGES = (campaigns, held)
