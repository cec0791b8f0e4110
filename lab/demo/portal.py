"""The accused distributor opens the portal and sees what is said about it."""

import html
import re
from dataclasses import dataclass, field

import httpx

from lab.demo.world import Login

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_FINDING = re.compile(r'href="(/portal/findings/\d+)"')
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)


@dataclass(frozen=True)
class Seen:
    sentence: str
    problems: list[str] = field(default_factory=list)


def as_distributor(base: str, login: Login) -> Seen:
    """Signs in at the portal and opens its one finding."""
    with httpx.Client(base_url=base, headers={"Accept-Language": "en"}, timeout=20) as browser:
        page = browser.get("/portal/sign-in").text
        token = _CSRF.search(page)
        form = {
            "csrf_token": token.group(1) if token else "",
            "login": login.name,
            "password": login.password,
        }
        listed = browser.post("/portal/sign-in", data=form, follow_redirects=True)
        found = _FINDING.search(listed.text)
        if found is None:
            return Seen("The distributor sees no finding.", ["the distributor sees no finding"])
        shown = browser.get(found.group(1))
        heading = _HEADING.search(shown.text)
        title = html.unescape(re.sub(r"<[^>]+>", "", heading.group(1))).strip() if heading else "?"
        return Seen(f"The distributor sees it in the portal: “{title}”, and may answer.")
