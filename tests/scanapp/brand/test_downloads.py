import io
import json
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import update
from werkzeug.test import TestResponse

from codegen import crockford, keys
from codegen.models import CodeOrder, CodeRange, Product, RangeChange, SigningKey
from core.settings import Settings
from tests import factories
from tests.codegen.test_labels import font_with, words
from tests.codegen.test_package import images_in, unzip
from tests.scanapp.brand.world import Commit, Trade
from tests.scanapp.browser import Browser
from tests.scanapp.opened import opened

# WinZip's format prescribes this derivation; who types the password is told to choose a long one.
pytestmark = pytest.mark.filterwarnings("ignore:PBKDF2 without:DeprecationWarning")

PASSWORD = "correct horse battery"


def fetch(browser: Browser, trade: Trade, kind: str, first: int, last: int) -> TestResponse:
    browser.get(f"/console/orders/{trade.items.id}")
    return browser.post(
        f"/console/orders/{trade.items.id}/fetch",
        kind=kind,
        first=str(first),
        last=str(last),
        password=PASSWORD,
    )


def test_a_list_has_the_numbers_of_the_order(admin: Browser, trade: Trade) -> None:
    answer = fetch(admin, trade, "csv", 99, 100)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    serials = [trade.serial(trade.items, number) for number in (99, 100)]
    prefix = f"HTTPS://YIMA.EXAMPLE/01/{trade.product.gtin}/21/"
    assert answer.text.splitlines() == [
        "number,serial,url",
        f"99,{serials[0]},{prefix}{serials[0]}",
        f"100,{serials[1]},{prefix}{serials[1]}",
    ]


def test_a_package_opens_with_its_password_alone(
    admin: Browser, trade: Trade, tmp_path: Path
) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(fetch(admin, trade, "zip", 11, 20).data)
    members = unzip(package, PASSWORD)
    lines = members["codes-00001.csv"].decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(n) for n in range(11, 21)]
    assert lines[1].split(",")[1] == trade.serial(trade.items, 11)
    manifest = json.loads(members["manifest.json"])
    assert manifest["count"] == 10
    assert manifest["about"]["order"] == trade.items.external_id
    with pytest.raises(ValueError, match="wrong password"):
        unzip(package, PASSWORD + "!")


def test_images_are_named_by_number(admin: Browser, trade: Trade, tmp_path: Path) -> None:
    package = tmp_path / "images.zip"
    package.write_bytes(fetch(admin, trade, "svgs", 98, 100).data)
    members = images_in(package, PASSWORD)
    assert sorted(members) == ["098.svg", "099.svg", "100.svg"]
    assert all(b"<svg" in image for image in members.values())


def test_one_code_is_drawn(admin: Browser, trade: Trade) -> None:
    answer = fetch(admin, trade, "png", 7, 7)
    read = zxingcpp.read_barcode(Image.open(io.BytesIO(answer.data)).convert("L"))
    assert read is not None
    assert read.text.endswith(trade.serial(trade.items, 7))
    assert fetch(admin, trade, "svg", 7, 7).data.startswith(b"<svg")


def test_label_sheets_are_a_pdf(admin: Browser, trade: Trade) -> None:
    answer = fetch(admin, trade, "labels", 1, 66)
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")
    assert answer.data.count(b"/Type /Page\n") == 2


@pytest.mark.parametrize(
    ("kind", "first", "last", "told"),
    [
        ("csv", "0", "10", "It has the numbers 1 to 100"),
        ("csv", "1", "101", "It has the numbers 1 to 100"),
        ("csv", "1", "", "Fill in every field"),
        ("docx", "1", "10", "Choose which file you need"),
        ("svg", "101", "", "It has the numbers 1 to 100"),
    ],
)
def test_a_file_that_can_not_be_made_is_refused_in_words(
    admin: Browser, trade: Trade, kind: str, first: str, last: str, told: str
) -> None:
    admin.get(f"/console/orders/{trade.items.id}")
    answer = admin.post(
        f"/console/orders/{trade.items.id}/fetch", kind=kind, first=first, last=last
    )
    assert answer.status_code == 400
    assert told in answer.text


@pytest.mark.parametrize("kind", ["zip", "svgs"])
def test_a_short_password_is_refused_and_never_shown_again(
    admin: Browser, trade: Trade, kind: str
) -> None:
    admin.get(f"/console/orders/{trade.items.id}")
    answer = admin.post(
        f"/console/orders/{trade.items.id}/fetch",
        kind=kind,
        first="1",
        last="2",
        password="hunter2-sec",
    )
    assert answer.status_code == 400
    assert "at least 12 characters" in answer.text
    assert "hunter2-sec" not in answer.text


@pytest.mark.parametrize(
    ("kind", "last", "told"),
    [
        ("csv", 10_000_001, "10,000,000 codes"),
        ("zip", 10_000_001, "10,000,000 codes"),
        ("labels", 2_001, "2,000 labels"),
        ("svgs", 20_001, "20,000 images"),
    ],
)
def test_files_are_bounded(
    admin: Browser, commit: Commit, trade: Trade, kind: str, last: int, told: str
) -> None:
    with commit() as session:
        order = factories.order(session, trade.brand, 1_000_000_000)
    admin.get(f"/console/orders/{order.id}")
    answer = admin.post(
        f"/console/orders/{order.id}/fetch", kind=kind, first="1", last=last, password=PASSWORD
    )
    assert answer.status_code == 400
    assert told in answer.text


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_a_long_list_is_sent_while_it_is_made(
    admin: Browser, commit: Commit, trade: Trade, kind: str
) -> None:
    with commit() as session:
        order = factories.order(session, trade.brand, 10_000_000)
    admin.get(f"/console/orders/{order.id}")
    tracemalloc.start()
    try:
        answer = admin.post(
            f"/console/orders/{order.id}/fetch",
            kind=kind,
            first="1",
            last="10,000,000",
            password=PASSWORD,
        )
        pieces = iter(answer.response)
        taken = sum(len(next(pieces)) for _ in range(3))
        answer.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken > 0
    assert peak < 60_000_000  # the whole list is 700 MB


def test_the_form_says_which_name_labels_bear_and_when_they_can_bear_none(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    url = f"/console/orders/{trade.items.id}"
    with commit() as session:
        session.execute(update(Product).values(name_zh="青梅酒", name_en="Plum wine"))
    assert "Beside each code: “Plum wine”" in admin.get(url).text
    with commit() as session:
        session.execute(update(Product).values(name_en="青梅酒"))
    assert "name will not be printed" in admin.get(url).text


def test_a_chinese_name_is_printed_in_the_font_of_the_settings(
    settings: Settings,
    sign_in: Callable[..., Browser],
    commit: Commit,
    trade: Trade,
    tmp_path: Path,
) -> None:
    font = font_with(crockford.ALPHABET + "青梅酒o. ", tmp_path / "boxes.ttf")
    with commit() as session:
        session.execute(update(Product).values(name_zh="青梅酒", name_en="青梅酒"))
    with opened(replace(settings, label_font=font)) as app:
        admin = sign_in(app.test_client(), "brand_admin")
        (tmp_path / "sheet.pdf").write_bytes(fetch(admin, trade, "labels", 1, 2).data)
    assert words(tmp_path / "sheet.pdf").count("青梅酒") == 2


@pytest.mark.parametrize("kind", ["zip", "csv", "labels", "svgs", "svg", "png"])
def test_every_file_is_one_click_away(
    admin: Browser, commit: Commit, trade: Trade, kind: str
) -> None:
    with commit() as session:
        order = factories.order(session, trade.brand, 20_001)
    forms = admin.get(f"/console/orders/{order.id}").text.split("<form")
    [form] = [form for form in forms if f'name="kind" value="{kind}"' in form]
    fields = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', form))
    assert ("password" in fields) == (kind in ("zip", "svgs"))
    answer = admin.post(f"/console/orders/{order.id}/fetch", **fields)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()


@pytest.mark.parametrize(
    "password", ["correct horse — battery", "兰亭酒业密码兰亭酒业密码", "x" * 100]
)
@pytest.mark.parametrize("kind", ["zip", "svgs"])
def test_a_password_that_programs_read_differently_is_refused(
    admin: Browser, trade: Trade, kind: str, password: str
) -> None:
    url = f"/console/orders/{trade.items.id}"
    admin.get(url)
    answer = admin.post(f"{url}/fetch", kind=kind, first="1", last="2", password=password)
    assert answer.status_code == 400
    assert "letters without accents" in answer.text
    assert password not in answer.text


def test_the_form_says_which_programs_open_the_zip(admin: Browser, trade: Trade) -> None:
    shown = admin.get(f"/console/orders/{trade.items.id}").text
    assert "7-Zip" in shown
    assert "Keka" in shown


def test_a_file_that_can_not_be_begun_is_a_refusal_and_no_broken_file(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:  # as an order of before might have it
        session.execute(update(CodeOrder).values(host="a" * 2400))
    answer = fetch(admin, trade, "svgs", 1, 2)
    assert answer.status_code == 400
    assert "can&#39;t be" in answer.text


def test_codes_of_a_revoked_key_are_not_printed(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        keys.revoke(session, trade.brand.id, trade.items.key_id)
    answer = fetch(admin, trade, "csv", 1, 10)
    assert answer.status_code == 404
    assert "There is no signing key" in answer.text


def test_a_key_that_is_wrapped_otherwise_is_an_error_that_says_so(
    admin: Browser, commit: Commit, trade: Trade
) -> None:
    with commit() as session:
        session.execute(update(SigningKey).values(wrapped_secret=bytes(40)))
    answer = fetch(admin, trade, "csv", 1, 10)
    assert answer.status_code == 500
    assert "YIMA_KEY_ENCRYPTION_KEY" in answer.text


@pytest.mark.parametrize("role", ["warehouse", "inspector"])
def test_only_who_may_order_codes_fetches_them(
    client: FlaskClient, sign_in: Callable[..., Browser], trade: Trade, role: str
) -> None:
    browser = sign_in(client, role)
    browser.get("/console/look-up")
    answer = browser.post(
        f"/console/orders/{trade.items.id}/fetch", kind="csv", first="1", last="1"
    )
    assert answer.status_code == 403
    assert trade.serial(trade.items, 1) not in answer.text


def test_fetching_changes_nothing_about_the_codes(admin: Browser, trade: Trade) -> None:
    before = (trade.count(CodeRange), trade.count(RangeChange))
    fetch(admin, trade, "csv", 1, 100)
    assert (trade.count(CodeRange), trade.count(RangeChange)) == before
