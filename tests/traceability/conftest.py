from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core import clock
from tests.factories import NOON
from tests.traceability.world import World, world


@pytest.fixture
def trade(session: Session) -> Iterator[World]:
    """A small trade of a brand of its own; the clock stands at `NOON`."""
    with clock.fixed(NOON):
        yield world(session)
