"""Words for what the rooms call by codes: roles, kinds of sites, channels, topics, reasons."""

from typing import Any

from flask_babel import format_decimal, pgettext
from flask_babel import gettext as _


def roles() -> list[tuple[str, str]]:
    """Code and name of each role."""
    return [
        ("brand_admin", _("Administrator: everything")),
        ("warehouse", _("Warehouse: activate, pack, ship")),
        ("inspector", _("Inspector: look up, findings")),
        ("distributor", _("Distributor's clerk: its own findings and goods")),
    ]


def site_kinds() -> list[tuple[str, str]]:
    """Code and name of each kind of site."""
    return [
        ("warehouse", pgettext("site", "Warehouse")),
        ("plant", pgettext("site", "Plant")),
        ("distributor", pgettext("site", "Distributor's warehouse")),
        ("outlet", pgettext("site", "Outlet")),
    ]


def channels() -> list[tuple[str, str]]:
    """Code and name of each channel, first none."""
    return [
        ("", _("any or unknown")),
        ("general", pgettext("channel", "Wholesale and small shops")),
        ("ka", pgettext("channel", "Chains and supermarkets")),
        ("catering", pgettext("channel", "Catering")),
        ("ecommerce", pgettext("channel", "Online")),
        ("group", pgettext("channel", "Bulk sales to companies")),
    ]


def topic(name: str) -> str:
    """What work of the topic does."""
    names = {
        "credit": _("Points into members' accounts"),
        "trace": _("First scans joined with shipments"),
        "detect": _("Looking for diversion"),
    }
    return names.get(name, name)


def reason(found: dict[str, Any]) -> str:
    """Why a claim was held, with the numbers it was judged by."""
    facts = found.get("facts", {})
    if found["code"] == "velocity":
        return _(
            "%(scans)s items by one browser within %(minutes)s minutes (usual: up to %(limit)s)",
            scans=format_decimal(facts["scans"]),
            minutes=facts["window_seconds"] // 60,
            limit=facts["limit"],
        )
    if found["code"] == "impossible_travel":
        return _(
            "%(km)s km in %(minutes)s minutes between two scans of one browser",
            km=format_decimal(facts["distance_km"]),
            minutes=format_decimal(max(facts["seconds"] // 60, 1)),
        )
    if found["code"] == "forged_source":
        return _(
            "%(attempts)s forged codes were tried from the same address within the hour",
            attempts=format_decimal(facts["attempts"]),
        )
    if found["code"] == "other_lot":
        return _(
            "The link that was scanned names lot %(link)s, and the item is of lot %(item)s",
            link=facts["link"],
            item=facts["item"],
        )
    return str(found["code"])
