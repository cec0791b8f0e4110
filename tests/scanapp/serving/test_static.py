import gzip
import re

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from tests.scanapp.shop import Phone, Shop


@pytest.fixture
def sheet(app: Flask) -> str:
    """The address that pages give the stylesheet of consumers."""
    with app.test_request_context():
        return url_for("static", filename="yima.css")


def test_pages_name_files_by_their_content_and_browsers_keep_them_for_a_year(
    phone: Phone, shop: Shop, sheet: str
) -> None:
    assert re.fullmatch(r"/static/yima\.[0-9a-f]{12}\.css", sheet)
    assert f'href="{sheet}"' in phone.look(shop.path()).response.text
    answer = phone.client.get(sheet)
    assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"
    assert answer.headers["Content-Type"] == 'text/css; charset="utf-8"'
    assert answer.headers["Vary"] == "Accept-Encoding"  # one copy for all readers


def test_files_are_compressed_for_those_who_read_it(client: FlaskClient, sheet: str) -> None:
    plain = client.get(sheet)
    packed = client.get(sheet, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3


def test_a_version_that_this_process_lacks_is_answered_with_its_own_and_not_kept(
    client: FlaskClient, sheet: str
) -> None:
    for name in ("/static/yima.css", "/static/yima.0123456789ab.css"):
        answer = client.get(name)
        assert answer.data == client.get(sheet).data
        assert answer.headers["Cache-Control"] == "public, no-cache"
    assert client.get("/static/none.0123456789ab.css").status_code == 404


def test_a_form_sent_to_a_file_is_refused(client: FlaskClient, sheet: str) -> None:
    assert client.post(sheet, data={"a": "b"}).status_code == 405
