"""Products a brand puts codes on."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen.errors import ProductExists
from codegen.gs1 import gtin14
from codegen.models import Product
from core import clock
from core.errors import N_, BadInput


def register(session: Session, brand_id: int, gtin: str, name_zh: str, name_en: str) -> Product:
    """The brand's new product, or the one it has under this GTIN when the names are the same.

    Raises `InvalidGtin`, and `ProductExists` when the GTIN is another product's.
    """
    names = (name_zh.strip(), name_en.strip() or name_zh.strip())
    if not names[0] or not all(name.isprintable() and len(name) <= 100 for name in names):
        raise BadInput(
            field="name_zh", reason=N_("Give the product a name of 1 to 100 printable characters.")
        )
    gtin = gtin14(gtin)
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
