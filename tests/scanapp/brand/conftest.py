from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from identity.models import Brand
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.brand.world import trade as make_trade
from tests.scanapp.browser import Browser


@pytest.fixture
def trade(commit: Commit, engine: Engine, brand: Brand) -> Trade:
    """A small trade of the brand of those who sign in."""
    return make_trade(commit, engine, brand)


@pytest.fixture
def admin(client: FlaskClient, sign_in: Callable[..., Browser]) -> Browser:
    """The brand's administrator, signed in."""
    return sign_in(client, "brand_admin")


@pytest.fixture
def warehouse(client: FlaskClient, sign_in: Callable[..., Browser]) -> Browser:
    """Somebody of the brand's warehouse, signed in."""
    return sign_in(client, "warehouse")
