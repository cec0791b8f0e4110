"""What people and programs may call things."""

import re

from identity.errors import BadCode, BadName

NAME_LONGEST = 80
_ERP_CODE_LONGEST = 64
_BRAND_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def name(what: str, text: str) -> str:
    """`text` with its blanks tidied: 1 to 80 printable characters. Raises `BadName`."""
    tidy = " ".join(text.split())
    if not tidy or len(tidy) > NAME_LONGEST or not tidy.isprintable():
        raise BadName(what=what, longest=NAME_LONGEST)
    return tidy


def brand_code(text: str) -> str:
    """`text` as it stands in addresses: 1 to 40 of a-z, 0-9 and inner hyphens, or `BadCode`."""
    tidy = text.strip().lower()
    if not _BRAND_CODE.fullmatch(tidy):
        rule = "1 to 40 letters a-z, digits and hyphens, no hyphen first or last"
        raise BadCode(what="brand code", value=shown(text), rule=rule)
    return tidy


def erp_code(what: str, text: str) -> str:
    """`text` as another system writes it: 1 to 64 printable characters, no blanks. `BadCode`."""
    tidy = text.strip()
    if not tidy or len(tidy) > _ERP_CODE_LONGEST or not tidy.isprintable() or " " in tidy:
        rule = f"1 to {_ERP_CODE_LONGEST} printable characters without blanks"
        raise BadCode(what=what, value=shown(text), rule=rule)
    return tidy


def shown(text: str) -> str:
    """The first 40 characters of a refused text, fit for a message."""
    return "".join(c if c.isprintable() else "�" for c in text[:40])
