"""A product is registered once under its GTIN, which can be corrected."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from codegen import queries
from codegen.errors import InvalidGtin, ProductExists, ProductNotFound, RestrictedGtin
from codegen.models import GtinChange, Product
from codegen.printing import code_list
from codegen.product import correct_gtin, register
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


def corrected(session: Session, product: Product, gtin: str, **more: Any) -> GtinChange:
    values = {"reason": "a digit was swapped", "actor": "Mei", **more}
    return correct_gtin(session, product.brand_id, product.id, gtin, **values)


def test_a_corrected_gtin_is_the_products_and_its_history_is_kept(session: Session) -> None:
    product = factories.product(session, factories.brand(session))
    old = product.gtin
    corrected(session, product, f"]C1010{GTIN}")
    corrected(session, product, old, reason="it was right before")
    assert product.gtin == old
    changes = queries.gtin_changes(session, product.brand_id, product.id)
    assert [(one.old_gtin, one.new_gtin, one.reason, one.actor) for one in changes] == [
        (f"0{GTIN}", old, "it was right before", "Mei"),
        (old, f"0{GTIN}", "a digit was swapped", "Mei"),
    ]


def test_a_gtin_in_use_by_another_product_of_the_brand_is_refused(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    other = factories.product(session, brand, name_zh="杨梅酒")
    before = product.gtin
    with pytest.raises(ProductExists, match=f"GTIN {other.gtin} is already the product “杨梅酒”"):
        corrected(session, product, other.gtin)
    session.refresh(product)
    assert product.gtin == before
    assert queries.gtin_changes(session, brand.id, product.id) == []
    corrected(session, factories.product(session, factories.brand(session)), other.gtin)


def test_two_products_whose_gtins_were_swapped_can_be_set_right(session: Session) -> None:
    brand = factories.brand(session)
    one, other = factories.product(session, brand), factories.product(session, brand)
    gtins = one.gtin, other.gtin
    corrected(session, one, GTIN)
    corrected(session, other, gtins[0])
    corrected(session, one, gtins[1])
    assert (one.gtin, other.gtin) == (gtins[1], gtins[0])


def test_a_correction_needs_a_change_a_reason_and_a_product_of_the_brand(session: Session) -> None:
    product = factories.product(session, factories.brand(session))
    for gtin, reason in ((product.gtin, "why"), (GTIN, " "), (GTIN, "x" * 201)):
        with pytest.raises(BadInput):
            corrected(session, product, gtin, reason=reason)
    with pytest.raises(RestrictedGtin):
        corrected(session, product, "2012345678903")
    with pytest.raises(ProductNotFound):
        correct_gtin(
            session, factories.brand(session).id, product.id, GTIN, reason="why", actor="Mei"
        )


def test_orders_placed_before_a_correction_keep_the_gtin_in_their_links(session: Session) -> None:
    brand = factories.brand(session)
    product = factories.product(session, brand)
    old = product.gtin
    with clock.fixed(NOON):
        before = factories.order(session, brand, product_id=product.id)
    with clock.fixed(NOON + timedelta(hours=1)):
        corrected(session, product, GTIN)
    with clock.fixed(NOON + timedelta(hours=2)):
        after = factories.order(session, brand, product_id=product.id)
    assert f"/01/{old}/21/" in code_list(session, before, factories.KEK).url_prefix
    assert f"/01/0{GTIN}/21/" in code_list(session, after, factories.KEK).url_prefix
