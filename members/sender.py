"""The way a one-time code takes to a phone."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from members.seal import mask

_log = logging.getLogger(__name__)

_TEXTS = {
    "zh": "【{brand}】验证码 {code}，5 分钟内有效，请勿告诉他人。（发往 {to}）",
    "en": "{brand}: your code is {code}. It is valid for 5 minutes, tell it nobody. (To {to})",
}


class Sender(Protocol):
    def send(self, phone: str, code: str, brand_name: str, language: str) -> None:
        """The code is on its way to the E.164 number, in `language` (`zh` or `en`).

        Called within the transaction that counts the code: be quick, with a deadline of seconds,
        and raise when it can't be sent, so that nothing is counted.
        """


class LogSender:
    """Sends nothing: logs that a code is due, and shows the message to `show`.

    For demos and development, where `show` is a screen. The log never has the code or the number.
    """

    def __init__(self, show: Callable[[str], object] | None = None) -> None:
        self._show = show

    def send(self, phone: str, code: str, brand_name: str, language: str) -> None:
        to = mask(phone)
        _log.info("one-time code for %s", to)
        if self._show is not None:
            text = _TEXTS.get(language, _TEXTS["en"])
            self._show(text.format(brand=brand_name, code=code, to=to))


def append_to(file: Path) -> Callable[[str], None]:
    """Shows messages by adding them, a line each, to a file that only its owner reads."""

    def show(message: str) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(f"{message}\n")

    return show
