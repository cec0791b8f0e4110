"""The numbers that a step by the software itself records, in signs that need no translation."""

from antifraud.models import Finding

NAMES = ("off", "placed", "honest", "cartons")


def numbers(finding: Finding) -> str:
    """The finding's numbers as the text of a step; `numbers_of` reads them again."""
    return (
        f"{finding.off_scans} {finding.placed_scans} "
        f"{finding.expected_scans:.1f} {finding.coherent_cartons}"
    )


def numbers_of(text: str) -> dict[str, str]:
    """What such a text says: items off, items placed, honest at most, coherent cartons."""
    return dict(zip(NAMES, text.split(), strict=True))
