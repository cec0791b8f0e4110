"""A simulated consumer: a phone that reads QR images and talks HTTP, and knows nothing else."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import zxingcpp
from PIL import Image

TIMEOUT_SECONDS = 20
CODE_ARRIVES_SECONDS = 10

_OUTCOME = re.compile(r'<meta name="yima-outcome" content="(\w+)">')
_BEACON = re.compile(r'<img src="(/b/[^"]+)"')
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_CLAIM = re.compile(r'data-claim="(\w+)"')


class Unreadable(Exception):
    """An image in which the phone's camera finds no code."""


def read_image(file: Path) -> str:
    """The text of the QR code in an image file."""
    with Image.open(file) as image:
        found = zxingcpp.read_barcodes(np.asarray(image.convert("L")))
    if len(found) != 1:
        raise Unreadable(str(file))
    return str(found[0].text)


@dataclass
class Page:
    """What the shopper learned from a page."""

    outcome: str
    ticket: str | None
    claim: str | None
    status: int
    address: str


@dataclass
class Shopper:
    """One phone with its own browser and address; `place` is where it is, if it tells."""

    base: str
    ip: str
    place: tuple[float, float] | None = None
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.base,
            timeout=TIMEOUT_SECONDS,
            verify=False,  # loopback has no TLS, and loading certificates takes each phone 20 ms
            headers={"Accept-Language": "en", "X-Forwarded-For": self.ip},
        )

    def scan_image(self, file: Path) -> Page:
        """Reads the image, opens what it says, and tells the place if the phone has one."""
        return self.scan(read_image(file))

    def scan(self, url: str) -> Page:
        """Opens the address in the browser, which fetches the page's image too."""
        page, beacon = self._open(url)
        if beacon is not None:
            self._client.get(beacon).raise_for_status()
        if beacon is not None and self.place is not None and page.ticket is not None:
            lat, lon = self.place
            form = {"ticket": page.ticket, "lat": str(lat), "lon": str(lon), "accuracy": "40"}
            self._client.post("/place", data=form).raise_for_status()
        return page

    def peek(self, url: str) -> Page:
        """Fetches the page alone, as a link checker does."""
        return self._open(url)[0]

    def claim(self, page: Page) -> str:
        """Presses the button; what the page says then: granted, waiting, taken, refused, held."""
        answer = self._client.post("/claim", data={"ticket": page.ticket}, follow_redirects=True)
        answer.raise_for_status()
        found = _CLAIM.search(answer.text)
        return found.group(1) if found else "none"

    def sign_in(self, brand_code: str, phone: str, messages: Path) -> bool:
        """Signs in with the phone number and the code that is sent to it."""
        start = f"/m/{brand_code}/sign-in"
        form = {"csrf_token": self._csrf(start), "phone": phone, "consent": "1"}
        answer = self._client.post(start, data=form)
        if answer.status_code != 303:
            return False
        code = _code_for(phone, messages)
        step = f"{start}/code"
        form = {"csrf_token": self._csrf(step), "code": code}
        return self._client.post(step, data=form).status_code == 303

    def wallet(self, brand_code: str) -> str:
        """The text of the wallet page."""
        return self._client.get(f"/m/{brand_code}/").text

    def close(self) -> None:
        """Puts the phone away."""
        self._client.close()

    def _open(self, url: str) -> tuple[Page, str | None]:
        answer = self._client.get(url.replace("HTTP://", "http://", 1))
        outcome, beacon = _OUTCOME.search(answer.text), _BEACON.search(answer.text)
        ticket, claim = _TICKET.search(answer.text), _CLAIM.search(answer.text)
        page = Page(
            outcome=outcome.group(1) if outcome else f"http_{answer.status_code}",
            ticket=ticket.group(1) if ticket else None,
            claim=claim.group(1) if claim else None,
            status=answer.status_code,
            address=url,
        )
        self.pages.append(page)
        return page, beacon.group(1) if beacon else None

    def _csrf(self, path: str) -> str:
        found = _CSRF.search(self._client.get(path).text)
        return found.group(1) if found else ""


def _code_for(phone: str, messages: Path) -> str:
    """The newest code that was sent to the phone; waits for it a little."""
    mask = f"{phone[:3]}****{phone[-4:]}"
    deadline = time.monotonic() + CODE_ARRIVES_SECONDS
    while time.monotonic() < deadline:
        for line in reversed(messages.read_text("utf-8").splitlines() if messages.exists() else []):
            if mask in line:
                digits = re.search(r"\b(\d{6})\b|验证码 (\d{6})|is (\d{6})", line)
                if digits:
                    return next(group for group in digits.groups() if group)
        time.sleep(0.05)
    return ""
