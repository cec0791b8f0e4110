"""What is wrong with a form is said at its field, and above the form with a way there."""

import re

import pytest

from tests.scanapp.brand.test_codes import ORDER
from tests.scanapp.brand.world import Trade
from tests.scanapp.browser import Browser


def control(page: str, id: str) -> str:
    """The tag of the control with this id."""
    found = re.search(rf'<(?:input|select|textarea)[^>]*\bid="{id}"[^>]*>', page)
    assert found is not None
    return found.group()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity": "many"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"host": "no host"}, "host"),
        ({"external_id": "PO\x00"}, "external_id"),
        ({"lot": "L" * 65}, "lot"),
    ],
)
def test_a_refused_form_marks_the_field_and_links_to_it(
    admin: Browser, wrong: dict[str, str], field: str
) -> None:
    page = admin.submit("/console/orders/new", **{**ORDER, **wrong}).text
    marked = control(page, field)
    assert 'aria-invalid="true"' in marked
    assert f'{field}-error"' in marked
    assert f'id="{field}-error"' in page
    assert f'<a href="#{field}">' in page
    assert page.count('aria-invalid="true"') == 1


def test_of_several_forms_on_a_page_only_the_refused_one_is_marked(
    admin: Browser, trade: Trade
) -> None:
    url = f"/console/orders/{trade.items.id}/freeze"
    page = admin.submit(url, first="1", last="x", reason="why")
    assert 'aria-invalid="true"' in control(page.text, "freeze-last")
    assert 'aria-invalid="true"' not in control(page.text, "void-last")
    assert '<a href="#freeze-last">' in page.text
    assert 'value="x"' in control(page.text, "freeze-last")


def test_a_form_that_nobody_sent_marks_nothing(admin: Browser) -> None:
    assert "aria-invalid" not in admin.get("/console/orders/new").text
