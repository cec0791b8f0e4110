"""What a newcomer may scan after the story: fresh items, one scanned before, and a forged code."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen.printing import labels
from lab.demo.world import ITEMS, PER_CARTON, UNRELEASED_CARTON, World

FRESH = 3
Offer = tuple[str, str]  # what it is, and the link that its code holds


def offers(session: Session, world: World) -> list[Offer]:
    """Three items that nobody scanned yet, one that a shopper did, and one that nobody made."""
    scanned = {
        code - world.order.lo + 1
        for code in session.scalars(
            text("SELECT code_id FROM item WHERE brand_id = :brand"), {"brand": world.brand.id}
        )
    }
    fresh = _fresh(scanned)
    found = [
        (f"fresh item {n + 1}: the first scan", _link(world, next(fresh))) for n in range(FRESH)
    ]
    before = min(number for number in scanned if 1 <= number <= ITEMS)
    found.append(("scanned before by somebody else", _link(world, before)))
    genuine = _link(world, next(fresh))
    # The serial's last character is part of what its signature protects.
    found.append(
        ("forged: nobody made this code", genuine[:-1] + ("0" if genuine[-1] != "0" else "1"))
    )
    return found


def _fresh(scanned: set[int]) -> Iterator[int]:
    unreleased = range((UNRELEASED_CARTON - 1) * PER_CARTON + 1, UNRELEASED_CARTON * PER_CARTON + 1)
    return (n for n in range(ITEMS, 0, -1) if n not in scanned and n not in unreleased)


def _link(world: World, number: int) -> str:
    [label] = labels(world.codes, number, number)
    return label.url
