"""Findings of diversion, their evidence, and the brand's decisions."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

SEE_FINDINGS = Permission(Role.BRAND_ADMIN, Role.INSPECTOR)
DECIDE_FINDINGS = Permission(Role.BRAND_ADMIN, Role.INSPECTOR)

section = Section("findings", __name__, MenuEntry(N_("Findings"), "findings", SEE_FINDINGS))

# Each file adds its pages to the section.
from scanapp.brand.findings import findings  # noqa: E402

PAGES = (findings,)
