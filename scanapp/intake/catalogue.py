"""What rarely changes, kept in the process: brands, products, campaigns, API keys, regions."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from codegen.models import Product
from core import clock
from core.regions.models import Region
from core.regions.tree import RegionTree
from identity import api_key
from identity.models import Brand
from rewards.models import Campaign
from rewards.queries import every_campaign

REFRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Content:
    """One consistent picture of the catalogue."""

    brands: Mapping[int, Brand] = field(default_factory=dict)
    products: Mapping[int, Product] = field(default_factory=dict)
    campaigns: Sequence[Campaign] = ()
    api_keys: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)


class Catalogue:
    """The present `content`, refreshed once a second by the process' caretaker."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._read_at = -REFRESH_SECONDS
        self.content = Content()
        self.regions = RegionTree.shipped()
        self._print_of_regions: Any = None

    def refresh(self) -> None:
        """The content is as the database has it now."""
        with self._lock, self._sessions() as session:
            self._read_at = time.monotonic()
            self.content = Content(
                brands={brand.id: brand for brand in session.scalars(select(Brand))},
                products={product.id: product for product in session.scalars(select(Product))},
                campaigns=every_campaign(session, clock.now() - timedelta(days=1)),
                api_keys=api_key.all_active(session),
            )
            print_of_regions = session.execute(_PRINT_OF_REGIONS).one()
            if print_of_regions != self._print_of_regions:  # building the tree takes a while
                self.regions = RegionTree.from_session(session)
                self._print_of_regions = print_of_regions

    def brand(self, brand_id: int) -> Brand:
        """The brand of a code that opened: read at once when it was founded just now."""
        if brand_id not in self.content.brands:
            self.refresh()
        return self.content.brands[brand_id]

    def brand_called(self, code: str) -> Brand | None:
        """The brand with that short name, or None."""
        for brand in self.content.brands.values():
            if brand.code == code:
                return brand
        return None

    def refresh_if_stale(self) -> None:
        """Refreshes, but at most once a second, whoever asks."""
        if time.monotonic() - self._read_at >= REFRESH_SECONDS:
            self.refresh()


# Changes with an import, also with one that only tells positions or names.
_PRINT_OF_REGIONS = select(
    func.count(), func.sum(Region.lat), func.sum(Region.lon), func.sum(func.length(Region.name_zh))
)
