"""A request whose texts are bounded before anything reads them.

What views do with a text may take time by the square of its length: Unicode's normalisation does,
where a letter carries thousands of marks.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import flask
from flask import current_app

from core.errors import N_, YimaError

FORM_BYTES_MOST = 65_536
TEXT_CHARACTERS_MOST = 4_096
QUERY_BYTES_MOST = 8_192  # as it was sent, a mark taking six

View = TypeVar("View", bound=Callable[..., Any])


class TextTooLong(YimaError):
    code = "text_too_long"
    status = 413
    message = N_("A field has more than %(longest)s characters. Shorten it and send it again.")


def takes(most_bytes: int) -> Callable[[View], View]:
    """The view's forms may bring so many bytes, and fields as long; others take 64 kB and 4,096."""

    def mark(view: View) -> View:
        view.body_bytes_most = most_bytes  # type: ignore[attr-defined]
        return view

    return mark


class Request(flask.Request):
    """Raises `TextTooLong` when its form is read; its query is measured by `check_query`."""

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        view = current_app.view_functions.get(self.endpoint or "")
        declared = getattr(view, "body_bytes_most", None)
        self.max_content_length = self.max_form_memory_size = declared or FORM_BYTES_MOST
        super()._load_form_data()
        _check(self.__dict__["form"], declared or TEXT_CHARACTERS_MOST)


def check_query(environ: Mapping[str, Any]) -> None:
    """Raises `TextTooLong` for a query that no page of ours asks for."""
    if len(environ.get("QUERY_STRING", "")) > QUERY_BYTES_MOST:
        raise TextTooLong(longest=TEXT_CHARACTERS_MOST)


def _check(values: Mapping[str, Any], longest: int) -> None:
    for name in values:
        for text in (name, *values.getlist(name)):  # type: ignore[attr-defined]
            if len(text) > longest:
                raise TextTooLong(longest=longest)
