"""What rarely changes, kept in the process: brands, products, campaigns, API keys, regions."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from codegen import queries
from codegen.models import Product
from core import clock
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
    formerly: Mapping[str, frozenset[int]] = field(default_factory=dict)
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
        self._digest: Any = None
        self._digest_of_regions: Any = None

    def refresh(self) -> None:
        """The content is as the database has it now; read only where it changed."""
        with self._lock, self._sessions() as session:
            self._read_at = time.monotonic()
            digest = session.execute(_DIGEST).one()
            if digest == self._digest:
                return
            self.content = Content(
                brands={brand.id: brand for brand in session.scalars(select(Brand))},
                products={product.id: product for product in session.scalars(select(Product))},
                formerly=queries.former_gtins(session),
                campaigns=every_campaign(session, clock.now() - timedelta(days=1)),
                api_keys=api_key.all_active(session),
            )
            if digest.region != self._digest_of_regions:  # building the tree takes a while
                self.regions = RegionTree.from_session(session)
                self._digest_of_regions = digest.region
            self._digest = digest

    def brand(self, brand_id: int) -> Brand:
        """The brand of a code that opened: read at once when it was founded just now."""
        if brand_id not in self.content.brands:
            self.refresh()
        return self.content.brands[brand_id]

    def products_numbered(self, gtin: str) -> list[Product]:
        """The products with that GTIN, of all brands; else those that had it until corrected.

        Two brands may claim the same.
        """
        content = self.content
        found = [one for one in content.products.values() if one.gtin == gtin]
        return found or [content.products[number] for number in content.formerly.get(gtin, ())]

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


# A sum of the rows' hashes: whatever changes in any of them changes it. The rows themselves are
# read, and objects made of them, only then: every process asks every second.
_DIGEST = text(
    """
    SELECT (SELECT sum(hashtextextended(CAST(t AS text), 0)) FROM brand t) AS brand,
           (SELECT sum(hashtextextended(CAST(t AS text), 0)) FROM product t) AS product,
           (SELECT sum(hashtextextended(CAST(t AS text), 0)) FROM campaign t) AS campaign,
           (SELECT sum(hashtextextended(CAST(t AS text), 0)) FROM api_key t) AS api_key,
           (SELECT sum(hashtextextended(CAST(t AS text), 0)) FROM region t) AS region
    """
)
