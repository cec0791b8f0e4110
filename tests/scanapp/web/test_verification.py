from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.scanapp.shop import Street


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "verification"
    folder.mkdir()
    (folder / "MP_verify_9aBc.txt").write_text("9aBc")
    (folder / "page.html").write_text("<p>page")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "below").mkdir()
    (folder / "below" / "deep.txt").write_text("deep")
    return folder


@pytest.fixture
def client(street: Street, folder: Path) -> FlaskClient:
    return street.app_with(verification_folder=folder).test_client()


@pytest.mark.parametrize("rule", ["/", "/01/", "/01/06901234000016/", "/01/06901234000016/21/"])
def test_a_messengers_file_is_in_each_folder_that_a_rule_may_name(
    client: FlaskClient, rule: str
) -> None:
    answer = client.get(f"{rule}MP_verify_9aBc.txt")
    assert (answer.status_code, answer.text) == (200, "9aBc")
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.txt",
        "/page.html",
        "/secret.txt",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/below/deep.txt",
        "/below%2fdeep.txt",
        "/%00.txt",
        "/" + "x" * 5000 + ".txt",
        "/.txt",
        "/01/nothing.txt",
        "/01/page.html",
        "/01/..%2fsecret.txt",
        "/01/06901234000016/../secret.txt",
        "/01/06901234000016/below%2fdeep.txt",
        "/01/elsewhere/MP_verify_9aBc.txt",
        "/01/06901234000016/10/MP_verify_9aBc.txt",
        "/console/MP_verify_9aBc.txt",
    ],
)
def test_nothing_else_is(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_without_a_folder_there_are_no_files(street: Street) -> None:
    assert street.app.test_client().get("/MP_verify_9aBc.txt").status_code == 404
