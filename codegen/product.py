"""Products a brand puts codes on."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen.errors import ProductExists, RestrictedGtin
from codegen.gs1 import is_restricted
from codegen.models import Product
from codegen.reading import read_gtin
from core import clock
from core.errors import N_, BadInput


def register(
    session: Session,
    brand_id: int,
    gtin: str,
    name_zh: str,
    name_en: str,
    allows_restricted: bool = False,
) -> Product:
    """The brand's new product, or the one it has under this GTIN when the names are the same.

    `gtin` is whatever the reader finds one in. Raises `Unreadable`, `RestrictedGtin` for a number
    that others may use too unless that is allowed, and `ProductExists` when it is another's.
    """
    names = (name_zh.strip(), name_en.strip() or name_zh.strip())
    if not names[0] or not all(name.isprintable() and len(name) <= 100 for name in names):
        raise BadInput(
            field="name_zh", reason=N_("Give the product a name of 1 to 100 printable characters.")
        )
    gtin = read_gtin(gtin)
    if is_restricted(gtin) and not allows_restricted:
        raise RestrictedGtin(gtin=gtin)
    session.execute(
        insert(Product)
        .values(
            brand_id=brand_id, gtin=gtin, name_zh=names[0], name_en=names[1], created_at=clock.now()
        )
        .on_conflict_do_nothing()
    )
    product = session.scalars(
        select(Product).where(Product.brand_id == brand_id, Product.gtin == gtin)
    ).one()
    if (product.name_zh, product.name_en) != names:
        raise ProductExists(gtin=gtin, product=product.name_zh)
    return product
