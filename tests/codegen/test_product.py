"""A product is registered once under its GTIN."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from codegen.errors import InvalidGtin, ProductExists, RestrictedGtin
from codegen.models import Product
from codegen.product import register
from core import clock
from core.errors import BadInput
from tests import factories
from tests.factories import NOON

GTIN = "6901234567892"


def test_a_product_is_kept_under_its_gtin_14(session: Session) -> None:
    brand = factories.brand(session)
    with clock.fixed(NOON):
        product = register(session, brand.id, GTIN, " 青梅酒 ", " Plum wine ")
    assert (product.brand_id, product.gtin) == (brand.id, f"0{GTIN}")
    assert (product.name_zh, product.name_en) == ("青梅酒", "Plum wine")
    assert product.created_at == NOON


def test_who_gives_no_english_name_gets_the_chinese_one(session: Session) -> None:
    product = register(session, factories.brand(session).id, GTIN, "青梅酒", " ")
    assert product.name_en == "青梅酒"


def test_the_same_registration_again_is_the_same_product(session: Session) -> None:
    brand = factories.brand(session)
    product = register(session, brand.id, GTIN, "青梅酒", "Plum wine")
    assert register(session, brand.id, f"0{GTIN}", "青梅酒 ", "Plum wine") is product
    query = select(func.count()).select_from(Product).where(Product.brand_id == brand.id)
    assert session.scalar(query) == 1


def test_a_gtin_stands_for_one_product_of_a_brand_but_brands_do_not_know_each_other(
    session: Session,
) -> None:
    brand = factories.brand(session)
    product = register(session, brand.id, GTIN, "青梅酒", "Plum wine")
    with pytest.raises(ProductExists, match=f"GTIN 0{GTIN} is already the product “青梅酒”"):
        register(session, brand.id, GTIN, "杨梅酒", "Plum wine")
    assert (product.name_zh, product.name_en) == ("青梅酒", "Plum wine")
    assert register(session, factories.brand(session).id, GTIN, "杨梅酒", "").id != product.id


def test_a_number_that_others_may_use_too_is_registered_only_if_that_is_meant(
    session: Session,
) -> None:
    brand = factories.brand(session)
    with pytest.raises(RestrictedGtin, match="within a shop"):
        register(session, brand.id, "2012345678903", "散装梅", "")
    product = register(session, brand.id, "2012345678903", "散装梅", "", allows_restricted=True)
    assert product.gtin == "02012345678903"


@pytest.mark.parametrize("text", ["]C10106901234567892", "(01)06901234567892", f"６{GTIN[1:]}"])
def test_a_gtin_is_registered_as_scanners_send_it(session: Session, text: str) -> None:
    product = register(session, factories.brand(session).id, text, "青梅酒", "")
    assert product.gtin == f"0{GTIN}"


@pytest.mark.parametrize(
    ("gtin", "name_zh", "name_en", "error"),
    [
        ("6901234567893", "青梅酒", "", InvalidGtin),
        ("酒", "青梅酒", "", InvalidGtin),
        (GTIN, " ", "Plum wine", BadInput),
        (GTIN, "酒" * 101, "Plum wine", BadInput),
        (GTIN, "青梅酒", "x" * 101, BadInput),
        (GTIN, "青梅\x00酒", "Plum wine", BadInput),
        (GTIN, "青梅酒", "\ud800", BadInput),
    ],
)
def test_a_product_that_cannot_be_printed_is_refused(
    session: Session, gtin: str, name_zh: str, name_en: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        register(session, factories.brand(session).id, gtin, name_zh, name_en)
