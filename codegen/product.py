"""Products a brand puts codes on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen.errors import ProductExists
from codegen.gs1 import gtin14
from codegen.models import Product
from core import clock
from core.errors import BadInput, N_


def register(session: Session, brand_id: int, gtin: str, name_zh: str, name_en: str) -> Product:
    """The brand's new product, or the one it has under this GTIN when the names are the same.

    Raises `InvalidGtin`, and `ProductExists` when the GTIN is another product's.
    """
    names = (name_zh.strip(), name_en.strip() or name_zh.strip())
    if not names[0] or max(map(len, names)) > 100:
        raise BadInput(reason=N_("Give the product a name of at most 100 characters."))
    gtin = gtin14(gtin)
    known = session.scalar(
        select(Product).where(Product.brand_id == brand_id, Product.gtin == gtin)
    )
    if known is not None:
        if (known.name_zh, known.name_en) != names:
            raise ProductExists(gtin=gtin, product=known.name_zh)
        return known
    product = Product(
        brand_id=brand_id, gtin=gtin, name_zh=names[0], name_en=names[1], created_at=clock.now()
    )
    session.add(product)
    session.flush()
    return product
