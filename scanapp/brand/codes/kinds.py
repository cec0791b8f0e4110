"""The files that an order can be fetched as, and how much goes into one."""

from dataclasses import dataclass

from codegen.package import IMAGES_MAX
from core.errors import N_

# What one request thread may be busy with; more goes into several files.
CODES_MAX = 10_000_000
LABELS_MAX = 2_000


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its title, what it holds, how many at most, and whether a password."""

    title: str
    what: str
    most: int
    is_encrypted: bool = False


KINDS = {
    "zip": FileKind(N_("Codes as CSV in an encrypted ZIP"), N_("codes"), CODES_MAX, True),
    "csv": FileKind(N_("Codes as CSV"), N_("codes"), CODES_MAX),
    "labels": FileKind(N_("Label sheets as PDF"), N_("labels"), LABELS_MAX),
    "svgs": FileKind(N_("QR codes as SVG in an encrypted ZIP"), N_("images"), IMAGES_MAX, True),
    "svg": FileKind(N_("One QR code as SVG"), N_("images"), 1),
    "png": FileKind(N_("One QR code as PNG"), N_("images"), 1),
}
"""By the name that the form sends."""
