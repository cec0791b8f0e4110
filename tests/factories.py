"""Plain functions that put what a test needs into the database."""

import itertools
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from codegen.activate import Batch, Numbers, activate
from codegen.gs1 import check_digit
from codegen.models import CodeOrder, Layer, Product
from codegen.order import OrderRequest, place
from identity.models import Brand, Distributor, Site
from rewards.models import Campaign, CampaignBudget

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEK = bytes(range(32))
_numbers = itertools.count(1)


def brand(session: Session, **more: Any) -> Brand:
    number = next(_numbers)
    return _add(
        session,
        Brand(
            **{
                "code": f"brand-{number}",
                "name_zh": f"品牌{number}",
                "name_en": f"Brand {number}",
                "created_at": NOON,
                **more,
            }
        ),
    )


def product(session: Session, brand: Brand, **more: Any) -> Product:
    digits = f"690{next(_numbers):09d}"
    values = {
        "gtin": f"0{digits}{check_digit(digits)}",
        "name_zh": "青梅酒",
        "name_en": "Plum wine",
        "created_at": NOON,
        **more,
    }
    return _add(session, Product(brand_id=brand.id, **values))


def distributor(session: Session, brand: Brand, **more: Any) -> Distributor:
    number = next(_numbers)
    values = {"code": f"D{number}", "name": f"Distributor {number}", "created_at": NOON, **more}
    return _add(session, Distributor(brand_id=brand.id, **values))


def site(session: Session, brand: Brand, **more: Any) -> Site:
    number = next(_numbers)
    values = {
        "code": f"S{number}",
        "name": f"Site {number}",
        "kind": "warehouse",
        "region_code": "330100",
        **more,
    }
    return _add(session, Site(brand_id=brand.id, **values))


def order(session: Session, brand: Brand, quantity: int = 100, **more: Any) -> CodeOrder:
    values = {"external_id": f"PO-{next(_numbers)}", "host": "YIMA.EXAMPLE", **more}
    return place(session, brand.id, OrderRequest(quantity=quantity, **values), KEK)


def cartons(session: Session, brand: Brand, quantity: int = 10) -> CodeOrder:
    return order(session, brand, quantity, layer=Layer.CARTON)


def active_order(
    session: Session, brand: Brand, product: Product, quantity: int = 100
) -> CodeOrder:
    """An order whose every code is active."""
    placed = order(session, brand, quantity, product_id=product.id)
    activate(session, brand.id, placed.id, Numbers(1, quantity), Batch(lot="L1"), "test")
    return placed


def campaign(session: Session, brand: Brand, **more: Any) -> Campaign:
    values = {
        "name_zh": "开盖有礼",
        "name_en": "Open and win",
        "points": 5,
        "starts_at": datetime(2026, 1, 1, tzinfo=UTC),
        "budget_points": 1_000_000,
        "created_at": NOON,
        **more,
    }
    added = _add(session, Campaign(brand_id=brand.id, **values))
    _add(session, CampaignBudget(brand_id=added.brand_id, campaign_id=added.id, reserved_points=0))
    return added


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row
