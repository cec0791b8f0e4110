"""Which role may do what. What is theirs to see (brand, company) the queries decide."""

import enum

from identity.models import Role


class Permission(enum.StrEnum):
    ENTER_CONSOLE = "enter_console"  # the brand's door
    ENTER_PORTAL = "enter_portal"  # the distributors' door
    MANAGE_PEOPLE = "manage_people"  # operators, distributors, sites, territories, API keys
    MANAGE_PRODUCTS = "manage_products"
    ORDER_CODES = "order_codes"  # and fetch the printer's files
    ACTIVATE_CODES = "activate_codes"
    BLOCK_CODES = "block_codes"  # freeze, thaw, void
    PACK_GOODS = "pack_goods"
    SHIP_GOODS = "ship_goods"
    RECEIVE_GOODS = "receive_goods"
    TRACE_ITEMS = "trace_items"  # look one item up: its way and its scans
    SEE_SCANS = "see_scans"
    SEE_FINDINGS = "see_findings"
    DECIDE_FINDINGS = "decide_findings"
    ANSWER_FINDINGS = "answer_findings"
    MANAGE_CAMPAIGNS = "manage_campaigns"
    SEE_MEMBERS = "see_members"
    RETRY_WORK = "retry_work"  # what the worker had to set aside


_ADMIN, _WAREHOUSE, _INSPECTOR, _DISTRIBUTOR = (
    Role.BRAND_ADMIN,
    Role.WAREHOUSE,
    Role.INSPECTOR,
    Role.DISTRIBUTOR,
)

ROLES_OF: dict[Permission, frozenset[Role]] = {
    Permission.ENTER_CONSOLE: frozenset({_ADMIN, _WAREHOUSE, _INSPECTOR}),
    Permission.ENTER_PORTAL: frozenset({_DISTRIBUTOR}),
    Permission.MANAGE_PEOPLE: frozenset({_ADMIN}),
    Permission.MANAGE_PRODUCTS: frozenset({_ADMIN}),
    Permission.ORDER_CODES: frozenset({_ADMIN}),
    Permission.ACTIVATE_CODES: frozenset({_ADMIN, _WAREHOUSE}),
    Permission.BLOCK_CODES: frozenset({_ADMIN}),
    Permission.PACK_GOODS: frozenset({_ADMIN, _WAREHOUSE}),
    Permission.SHIP_GOODS: frozenset({_ADMIN, _WAREHOUSE}),
    Permission.RECEIVE_GOODS: frozenset({_ADMIN, _WAREHOUSE, _DISTRIBUTOR}),
    Permission.TRACE_ITEMS: frozenset({_ADMIN, _WAREHOUSE, _INSPECTOR}),
    Permission.SEE_SCANS: frozenset({_ADMIN, _INSPECTOR}),
    Permission.SEE_FINDINGS: frozenset({_ADMIN, _INSPECTOR}),
    Permission.DECIDE_FINDINGS: frozenset({_ADMIN, _INSPECTOR}),
    Permission.ANSWER_FINDINGS: frozenset({_DISTRIBUTOR}),
    Permission.MANAGE_CAMPAIGNS: frozenset({_ADMIN}),
    Permission.SEE_MEMBERS: frozenset({_ADMIN}),
    Permission.RETRY_WORK: frozenset({_ADMIN}),
}


def may(role: str, permission: Permission) -> bool:
    """Whether operators of the role may do it; an unknown role may nothing."""
    return role in ROLES_OF[permission]
