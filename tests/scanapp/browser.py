"""A browser without windows: follows pages and sends their forms back as a person would."""

import html
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A client that remembers the last page's token, as that page's forms would send it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._token = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        """The page at `path`."""
        return self._seen(self.client.get(path, **more))

    def post(self, path: str, **fields: Any) -> TestResponse:
        """The answer to a form of the last page, sent to `path` with `fields` filled in."""
        filled = {"csrf_token": self._token, **fields}
        return self._seen(self.client.post(path, data=filled))

    def submit(self, path: str, **fields: Any) -> TestResponse:
        """The answer to the form that stands at `path`, its hidden fields left as they came."""
        return self.post(path, **{**hidden(self.get(path)), **fields})

    def _seen(self, page: TestResponse) -> TestResponse:
        found = _TOKEN.search(page.text) if page.mimetype == "text/html" else None
        self._token = found.group(1) if found else self._token
        return page


def hidden(page: TestResponse) -> dict[str, str]:
    """The page's hidden fields; of those of one name the last."""
    found = _HIDDEN.findall(page.text)
    return {name: html.unescape(value) for name, value in found}
