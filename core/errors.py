"""Errors that a person can act on.

Every room names its own in its `errors.py`. The message is an English template, translated by the
door that shows it; its facts are kept apart, so that a program reads them too (RFC 9457).
"""

from typing import Any


def N_(message: str) -> str:
    """The message itself, marked so that the translators' tool finds it."""
    return message


class YimaError(Exception):
    """A refusal with a stable `code`, an HTTP `status`, and a message that says what to do."""

    code: str = "error"
    status: int = 400
    message: str = N_("Something is wrong with this request.")

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.message % facts)


class BadInput(YimaError):
    """A value that can't be used; `reason` says which and why."""

    code = "bad_input"
    message = N_("%(reason)s")


class NotFound(YimaError):
    code = "not_found"
    status = 404
    message = N_("No %(what)s called “%(name)s” here. Check the spelling, or list what there is.")
