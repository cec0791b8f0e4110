"""Shoppers with real browsers' manners: pages, beacons, claims, sign-ins, wallets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.demo.shopper import Shopper
from tests.running import Town, books, open_shop

pytestmark = pytest.mark.story

SHOPPERS, ITEMS, POINTS = 8, 12, 5
HANGZHOU = (30.27, 120.15)


def test_points_claimed_before_during_and_after_sign_in_all_arrive(town: Town) -> None:
    """All want the same items; every other shopper signs in on the way, the rest at home."""
    shop = open_shop(town, ITEMS, points=POINTS)
    town.start_web(workers=2)
    town.start("worker")
    town.start("cron")
    phones = [Shopper(town.address, f"198.51.100.{n}", HANGZHOU) for n in range(SHOPPERS)]

    def sign_in(number: int) -> bool:
        return phones[number].sign_in(shop.brand.code, f"138000000{number:02d}", town.messages)

    def go_shopping(number: int) -> list[str]:
        phone, told = phones[number], []
        for step in range(ITEMS):
            item = (step + number * 5) % ITEMS
            page = phone.scan(f"{town.address}{shop.path(item)}")
            assert page.status == 200, town.log("web")
            if page.claim == "offered":
                told.append(phone.claim(page))
            if step == number and number % 2 == 0:
                assert sign_in(number)
        return told

    with ThreadPoolExecutor(SHOPPERS) as pool:
        told = [state for states in pool.map(go_shopping, range(SHOPPERS)) for state in states]
    assert set(told) <= {"waiting", "granted", "taken"}
    assert told.count("waiting") + told.count("granted") == ITEMS
    assert town.count("claim", "decision = 'granted'") == ITEMS
    assert town.count("scan") == SHOPPERS * ITEMS
    assert town.count("scan", "outcome = 'first'") == ITEMS
    assert town.one("SELECT sum(scans) FROM item") == SHOPPERS * ITEMS
    for number in range(1, SHOPPERS, 2):
        assert sign_in(number)
    found = books(town, shop)
    assert found.balanced
    assert found.points_held == ITEMS * POINTS
    entries = [phone.wallet(shop.brand.code).count(f"+{POINTS}") for phone in phones]
    assert sum(entries) == ITEMS
    assert town.count("sighting", "region_code IS NOT NULL") == ITEMS
    for phone in phones:
        phone.close()
