"""A day of consumers and apps without end: new codes all the time, and old ones again."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass

from lab.bench.ground import Stock
from lab.traffic import Request

# In a hundred requests. A page is looked at before it is scanned, some scans come again, by others.
PAGES, SCANS, CLAIMS, AGAIN = 40, 35, 15, 10
CODES_OF_HUNDRED = PAGES  # every page is of a code that nobody saw before
VISITS_OF_ONE = 8  # then somebody else comes
AGAIN_BEHIND = 5_000  # codes between a scan and its repetition


@dataclass(frozen=True)
class Day:
    """Requests in a fixed order, from `stock`; ends when its codes are used up."""

    stock: Stock

    def requests(self) -> Iterator[Request]:
        """What comes in, one after another."""
        codes = iter(range(len(self.stock.serials)))
        while True:
            fresh = list(itertools.islice(codes, CODES_OF_HUNDRED))
            if len(fresh) < CODES_OF_HUNDRED:
                return
            yield from _interleaved(
                [self._page(number) for number in fresh],
                [self._scan(number, number) for number in fresh[:SCANS]],
                [self._claim(number) for number in fresh[:CLAIMS]],
                [self._scan(self._old(number), -number) for number in fresh[:AGAIN]],
            )

    def _page(self, number: int) -> Request:
        return Request("page", "GET", f"/{self.stock.serials[number]}")

    def _scan(self, number: int, visitor: int) -> Request:
        return self._post("scan", number, visitor)

    def _claim(self, number: int) -> Request:
        return self._post("claim", number, number, "/claim")

    def _post(self, kind: str, number: int, visitor: int, verb: str = "") -> Request:
        body = json.dumps({"visitor": f"visitor {visitor // VISITS_OF_ONE}"})
        path = f"/{self.stock.serials[number]}{verb}"
        return Request(kind, "POST", path, self.stock.api_key, body)

    @staticmethod
    def _old(number: int) -> int:
        return max(0, number - AGAIN_BEHIND)


def _interleaved(*lists: list[Request]) -> list[Request]:
    """All requests, those of each list in their order and evenly spread."""
    placed = [
        ((place + 0.5) / len(requests), kind, request)
        for kind, requests in enumerate(lists)
        for place, request in enumerate(requests)
    ]
    return [request for _, _, request in sorted(placed, key=lambda each: each[:2])]
