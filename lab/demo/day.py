"""The market day: who scans what, where, and what each is told."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from codegen import crockford
from core.regions.tree import RegionTree
from lab.demo.shopper import Page, Shopper, read_image
from lab.demo.world import (
    DAILY_LIMIT,
    DISTRIBUTORS,
    DIVERTED_CARTONS,
    DIVERTED_TO,
    TERRITORIES,
    UNRELEASED_CARTON,
    World,
)

PHONES_AT_ONCE = 8
SCANNED_PER_CARTON = 5
SCANNED_PER_DIVERTED_CARTON = 9
TOURISTS_PERCENT = 2
CLAIMS_PERCENT = 60
SIGN_INS = 24
LINK_CHECKS = 20
REPEATS = 30
FORGERIES = 12
MISTYPED = 6
APP_SCANS = 20
FRESH = 60
# Where no place is known, another's scan within the hour may be the same person's.
ANOTHERS = ("again_other", "again_near")


@dataclass
class Told:
    """What shoppers were told, counted; filled by many threads."""

    outcomes: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    diverted: set[int] = field(default_factory=set)
    travelled: set[int] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)  # addresses of items whose points were given
    wallets: list[Shopper] = field(default_factory=list)  # phones that signed in with one claim
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, page: Page, *expected: str) -> None:
        """Counts what a page said; what should not be is kept as a surprise."""
        with self._lock:
            self.outcomes[page.outcome] += 1
            if page.outcome not in expected:
                wanted = " or ".join(expected)
                self.surprises.append(f"expected {wanted}, was told {page.outcome}")

    def claim(self, item: str, state: str, expected: str) -> None:
        """Counts how a claim of the item went; `waiting` is granted, before sign-in."""
        with self._lock:
            self.claims[state] += 1
            if state == "waiting":
                self.granted.add(item.rsplit("/", 1)[-1])
            if state != expected:
                self.surprises.append(f"claim: expected {expected}, was told {state}")

    def surprise(self, text: str) -> None:
        """Something that should not be."""
        with self._lock:
            self.surprises.append(text)


@dataclass(frozen=True)
class Visit:
    """A shopper's visit planned for the day."""

    number: int
    place: tuple[float, float] | None
    claims: bool


class Day:
    """The day's plan and its play; `files` holds the rendered QR images."""

    def __init__(
        self, world: World, base: str, files: Path, messages: Path, luck: random.Random
    ) -> None:
        self._world = world
        self._base = base
        self._files = files
        self._messages = messages
        self._luck = luck
        self._regions = RegionTree.shipped()
        self.told = Told()
        self.visits = self._plan()

    def image(self, number: int) -> Path:
        """The image file of the order's number."""
        return self._files / "qr" / f"{number:05d}.png"

    def unreleased(self) -> list[int]:
        """Numbers whose codes were never activated."""
        return self._world.cartons[UNRELEASED_CARTON][:4]

    def scanned_numbers(self) -> list[int]:
        """Every number whose image some shopper reads."""
        fresh = self._fresh(FRESH)
        typed = range(1, MISTYPED + 1)
        planned = (visit.number for visit in self.visits)
        return sorted({*planned, *fresh, *typed, *self.unreleased()})

    def link_checker(self) -> list[int]:
        """A messenger fetches pages before anybody scans; returns the numbers it fetched."""
        checker = Shopper(self._base, "203.0.113.9")
        numbers = [visit.number for visit in self.visits[:LINK_CHECKS]]
        for number in numbers:
            if checker.peek(self._url(number)).outcome != "first":
                self.told.surprise("a page that was only fetched counted as a scan")
        checker.close()
        return numbers

    def first_scans(self, step: Callable[[], None]) -> None:
        """Every planned visit, from many phones at once; some claim, some of those sign in."""
        claiming = [visit for visit in self.visits if visit.claims]
        members = {visit.number for visit in claiming[:SIGN_INS]}

        def visit_one(indexed: tuple[int, Visit]) -> None:
            index, visit = indexed
            phone = self._shopper(index, visit.place)
            page = phone.scan_image(self.image(visit.number))
            self.told.page(page, "first")
            if visit.claims:
                self.told.claim(page.address, phone.claim(page), "waiting")
            if visit.number in members:
                self._sign_in(phone, index)
            else:
                phone.close()
            step()

        self._at_once(visit_one, enumerate(self.visits))

    def repeats(self) -> None:
        """The same again, others with a copy, second claims: by the same and by another."""

        def again(indexed: tuple[int, Visit]) -> None:
            index, visit = indexed
            third = self._shopper(20_000 + index, None)
            other = self._shopper(30_000 + index, None)
            page = other.scan_image(self.image(visit.number))
            self.told.page(page, *ANOTHERS)
            if visit.claims:
                # Nothing is offered for what was claimed; a stubborn app asks all the same.
                if page.claim != "taken":
                    self.told.surprise("a claimed item was offered again")
            elif page.ticket is not None:
                self.told.claim(page.address, other.claim(page), "waiting")
                self.told.claim(page.address, other.claim(page), "waiting")
                late = third.scan_image(self.image(visit.number))
                self.told.page(late, *ANOTHERS)
                if late.claim != "taken":
                    self.told.surprise("a claimed item was offered to another")
            self.told.page(other.scan_image(self.image(visit.number)), *ANOTHERS)
            third.close()
            other.close()

        self._at_once(again, enumerate(self.visits[-REPEATS:]))

    def double_claims(self) -> None:
        """Two phones open the page of one fresh item; both press the button."""
        for index, number in enumerate(self._fresh(4)):
            first = self._shopper(40_000 + index, None)
            second = self._shopper(41_000 + index, None)
            page, rival = first.scan(self._url(number)), second.scan(self._url(number))
            self.told.page(page, "first")
            self.told.page(rival, *ANOTHERS)
            self.told.claim(page.address, first.claim(page), "waiting")
            self.told.claim(page.address, first.claim(page), "waiting")
            self.told.claim(rival.address, second.claim(rival), "taken")
            self.told.page(first.scan(page.address), "again_mine")
            first.close()
            second.close()

    def collector(self) -> None:
        """One phone claims more than the campaign's daily limit allows."""
        phone = self._shopper(50_000, None)
        for index, number in enumerate(self._fresh(DAILY_LIMIT + 2, skip=4)):
            page = phone.scan(self._url(number))
            self.told.page(page, "first")
            allowed = "waiting" if index < DAILY_LIMIT else "refused"
            self.told.claim(page.address, phone.claim(page), allowed)
        phone.close()

    def not_genuine(self) -> None:
        """Forged, mistyped and not yet released codes."""
        phone = self._shopper(60_000, None)
        serials = [self._serial(number) for number in range(1, MISTYPED + 1)]
        for serial in serials:
            wrong = crockford.ALPHABET[(crockford.ALPHABET.index(serial[-1]) + 1) % 32]
            self.told.page(phone.scan(f"{self._base}/{serial[:-1]}{wrong}"), "forged")
        for _ in range(FORGERIES):
            made_up = serials[0][:4] + crockford.encode(self._luck.getrandbits(100))[4:]
            self.told.page(phone.scan(f"{self._base}/{made_up}"), "forged")
        self.told.page(phone.scan(f"{self._base}/{serials[0][:-1]}"), "malformed")
        for number in self.unreleased():
            self.told.page(phone.scan_image(self.image(number)), "inactive")
        phone.close()

    def app_scans(self) -> None:
        """A mini-program scans GS1 Digital Links by `POST`, and claims one twice."""
        headers = {"Authorization": f"Bearer {self._world.api_key}"}
        with httpx.Client(base_url=self._base, headers=headers, timeout=20) as app:
            for index, number in enumerate(self._fresh(APP_SCANS, skip=40)):
                gtin = self._world.gtin_of(number)
                path = f"/01/{gtin}/21/{self._serial(number)}"
                body = {"visitor": f"app-user-{index}", "region": self._home_region(number)}
                answer = app.post(path, json=body).json()
                self._app_told(answer, "first")
                if index == 0:
                    for _ in range(2):
                        claim = app.post(f"{path}/claim", json=body).json()["claim"]
                        state = "waiting" if claim["state"] == "granted" else claim["state"]
                        self.told.claim(path, state, "waiting")

    def _app_told(self, answer: dict[str, Any], expected: str) -> None:
        page = Page(str(answer.get("outcome")), None, None, 200, "")
        self.told.page(page, expected)

    def _plan(self) -> list[Visit]:
        """Which items are scanned where: most at home, some by tourists, some diverted."""
        visits = []
        for carton, code in sorted(self._world.held_by.items()):
            diverted = carton in DIVERTED_CARTONS
            count = SCANNED_PER_DIVERTED_CARTON if diverted else SCANNED_PER_CARTON
            for number in self._luck.sample(self._world.cartons[carton], count):
                travels = not diverted and self._luck.random() * 100 < TOURISTS_PERCENT
                region = DIVERTED_TO if diverted else self._somewhere(code, travels)
                if diverted:
                    self.told.diverted.add(number)
                elif travels:
                    self.told.travelled.add(number)
                claims = self._luck.random() * 100 < CLAIMS_PERCENT
                visits.append(Visit(number, self._position(region), claims))
        self._luck.shuffle(visits)
        return visits

    def _somewhere(self, code: str, travels: bool) -> str:
        """A prefecture of the distributor's own territory, or for a traveller of any province."""
        province = TERRITORIES[code]
        if travels:
            province = self._luck.choice(("110000", "440000", "370000", "420000", "350000"))
        return self._luck.choice(self._regions.children(province) or (province,))

    def _position(self, region: str) -> tuple[float, float]:
        lat, lon = self._regions.position(region)
        return lat + self._luck.uniform(-0.02, 0.02), lon + self._luck.uniform(-0.02, 0.02)

    def _fresh(self, count: int, skip: int = 0) -> list[int]:
        """Items on sale that no planned visit touches, all of the second product."""
        planned = {visit.number for visit in self.visits}
        cartons = [carton for carton in sorted(self._world.held_by) if carton > UNRELEASED_CARTON]
        numbers = sorted(n for carton in cartons for n in self._world.cartons[carton])
        return [number for number in numbers if number not in planned][skip : skip + count]

    def _home_region(self, number: int) -> str:
        """The region of the distributor who should sell the item."""
        for _, _, region, cartons in DISTRIBUTORS:
            if any(number in self._world.cartons[carton] for carton in cartons):
                return region
        raise LookupError(f"nobody was sent the item {number}")

    def _sign_in(self, phone: Shopper, index: int) -> None:
        number = f"138{index:08d}"
        if phone.sign_in(self._world.brand.code, number, self._messages):
            self.told.wallets.append(phone)
        else:
            self.told.surprise("a shopper could not sign in")

    def _shopper(self, index: int, place: tuple[float, float] | None) -> Shopper:
        address = f"198.{18 + index // 65536}.{index // 256 % 256}.{index % 256}"
        return Shopper(self._base, address, place)

    def _at_once(self, work: Callable[[tuple[int, Visit]], None], visits: Iterable[Any]) -> None:
        with ThreadPoolExecutor(PHONES_AT_ONCE) as phones:
            for done in phones.map(work, list(visits)):
                assert done is None

    def _serial(self, number: int) -> str:
        return self._url(number).rsplit("/", 1)[1]

    def _url(self, number: int) -> str:
        return read_image(self.image(number))
