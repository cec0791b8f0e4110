"""Everything about one code."""

from core.errors import N_
from identity.models import Role
from identity.permission import Permission
from scanapp.office.section import MenuEntry, Section

TRACE_ITEMS = Permission(Role.BRAND_ADMIN, Role.WAREHOUSE, Role.INSPECTOR)

section = Section("look_up", __name__, MenuEntry(N_("Look up"), "code", TRACE_ITEMS))

# The file adds its page to the section.
from scanapp.brand.look_up import code  # noqa: E402

PAGES = (code,)
