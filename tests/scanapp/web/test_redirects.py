"""Where answers send a browser: never to another host, whatever the request says of ours."""

import pytest
from werkzeug.test import TestResponse

from tests.scanapp.shop import Street

FOREIGN = {"Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


def get(street: Street, path: str) -> TestResponse:
    return street.app.test_client().get(path, headers=FOREIGN)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/console", "/console/"),
        ("/portal", "/portal/"),
        ("/console?next=//evil.example", "/console/?next=//evil.example"),
        ("/m/lanting", "/m/lanting/"),
        ("/console//orders", "/console/orders"),
        ("/console/", "/console/sign-in?next=/console/?"),
        ("/portal/", "/portal/sign-in?next=/portal/?"),
    ],
)
def test_a_redirect_stays_on_the_host_and_scheme_that_were_asked(
    street: Street, path: str, location: str
) -> None:
    answer = get(street, path)
    assert answer.status_code in (302, 303, 308)
    assert answer.headers["Location"] == location
    assert f"//{FOREIGN['Host']}" not in answer.text.replace(location, "")
