from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core import clock
from tests.antifraud.sightings import Market, market
from tests.factories import NOON


@pytest.fixture
def trade(session: Session) -> Iterator[Market]:
    """A market of its own; the clock stands at `NOON`."""
    with clock.fixed(NOON):
        yield market(session)
