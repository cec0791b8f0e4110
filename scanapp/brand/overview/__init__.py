"""How things stand: the console's first page, consumers' reports, and work that was set aside."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

ENTER_CONSOLE = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE, Role.INSPECTOR)
SEE_SCANS = Permission(Role.BRAND_ADMIN, Role.INSPECTOR)
RETRY_WORK = Permission(Role.BRAND_ADMIN)  # what the worker had to set aside

section = Section("overview", __name__, MenuEntry(N_("Overview"), "dashboard", ENTER_CONSOLE))

# Each file adds its pages to the section.
from scanapp.brand.overview import dashboard, reports  # noqa: E402

PAGES = (dashboard, reports)
