"""Products a brand puts codes on."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from codegen.errors import ProductExists, ProductNotFound, RestrictedGtin
from codegen.gs1 import is_restricted
from codegen.models import GtinChange, Product
from codegen.reading import read_gtin
from core import clock
from core.errors import N_, BadInput

REASON_CHARACTERS_MAX = 200


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
    gtin = _checked(gtin, allows_restricted)
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


def correct_gtin(
    session: Session,
    brand_id: int,
    product_id: int,
    gtin: str,
    *,
    reason: str,
    actor: str,
    allows_restricted: bool = False,
) -> GtinChange:
    """The product has that GTIN from now on; codes that were printed with the old one stay good.

    So do those of orders placed before, whenever they are printed: their links keep the old one.
    Raises `Unreadable`, `RestrictedGtin` as `register` does, `ProductExists` when another product
    of the brand has the GTIN, `ProductNotFound`, or `BadInput` without a reason or a change.
    """
    gtin = _checked(gtin, allows_restricted)
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_CHARACTERS_MAX or not reason.isprintable():
        raise BadInput(reason=N_("Give a reason of 1 to 200 printable characters."))
    product = session.get(Product, (brand_id, product_id), with_for_update=True)
    if product is None:
        raise ProductNotFound()
    if product.gtin == gtin:
        raise BadInput(reason=N_("This is the GTIN that the product has already."))
    change = GtinChange(
        brand_id=brand_id,
        product_id=product_id,
        old_gtin=product.gtin,
        new_gtin=gtin,
        reason=reason,
        actor=actor,
        at=clock.now(),
    )
    try:
        with session.begin_nested():
            product.gtin = gtin
    except IntegrityError as error:
        other = session.scalars(
            select(Product).where(Product.brand_id == brand_id, Product.gtin == gtin)
        ).one()
        raise ProductExists(gtin=gtin, product=other.name_zh) from error
    session.add(change)
    session.flush()
    return change


def _checked(gtin: str, allows_restricted: bool) -> str:
    gtin = read_gtin(gtin)
    if is_restricted(gtin) and not allows_restricted:
        raise RestrictedGtin(gtin=gtin)
    return gtin
