import ipaddress
from pathlib import Path

import pytest
from flask import Flask

from tests.scanapp.atlas import write_atlas
from tests.scanapp.shop import Street


@pytest.fixture(scope="session")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that knows where two networks are; IPv4 only."""
    return write_atlas(tmp_path_factory.mktemp("atlas") / "regions.mmdb")


@pytest.fixture(scope="session")
def located(street: Street, atlas: Path) -> Flask:
    """The application with a file of regions by address, and no trusted proxy."""
    return street.app_with(geoip_path=atlas)


@pytest.fixture(scope="session")
def proxied(street: Street, atlas: Path) -> Flask:
    """The application with a file of regions by address, behind trusted proxies."""
    trusted = (ipaddress.ip_network("10.0.0.0/8"),)
    return street.app_with(geoip_path=atlas, trusted_proxies=trusted)
