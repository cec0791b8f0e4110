"""The brand of the story: its products, codes, cartons, distributors and campaign."""

import random
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from codegen.activate import Batch, Numbers, activate
from codegen.models import CodeOrder, Layer, Product
from codegen.order import OrderRequest, place
from codegen.package import CodeList
from codegen.printing import code_list
from codegen.product import register
from core import clock
from core.day import DEFAULT_ZONE, day_of
from identity import api_key
from identity.brand import found_brand
from identity.distributor import add_distributor
from identity.models import Brand, Distributor, Role, Site
from identity.operator import add_operator
from identity.site import add_site
from rewards.campaign import Terms, launch
from traceability.pack import SsccSeries, pack_as_printed, pack_collected
from traceability.ship import ship
from traceability.territory import grant

ITEMS = 2400
PER_CARTON = 24
CARTONS = ITEMS // PER_CARTON
AS_PRINTED = CARTONS // 2
UNRELEASED_CARTON = 50  # still at the plant, its codes not active
POINTS = 5
DAILY_LIMIT = 10
ACTOR = "demo"
COMPANY_PREFIX = "6901234"

# code, name, region of site and territory, carton numbers shipped to it
DISTRIBUTORS = (
    ("D-HZ", "杭州江南酒业", "330100", (*range(1, 18), *range(51, 68))),
    ("D-SZ", "苏州吴门商贸", "320500", (*range(18, 35), *range(68, 85))),
    ("D-CD", "成都天府供应链", "510100", (*range(35, 50), *range(85, 99))),
)
TERRITORIES = {"D-HZ": "330000", "D-SZ": "320000", "D-CD": "510000"}
DIVERTING = "D-HZ"
DIVERTED_CARTONS = range(3, 9)
DIVERTED_TO = "510100"


@dataclass(frozen=True)
class Login:
    name: str
    password: str


@dataclass(frozen=True)
class World:
    """What the rest of the story needs to know; items are counted from 1 within the order."""

    brand: Brand
    products: tuple[Product, Product]
    order: CodeOrder
    codes: CodeList
    cartons: dict[int, list[int]]  # carton number: its items
    held_by: dict[int, str]  # carton number: distributor code
    admin: Login
    distributor_login: Login
    api_key: str
    distributor_ids: dict[str, int] = field(default_factory=dict)

    def code_id(self, number: int) -> int:
        """The code id of the order's number."""
        return self.order.lo + number - 1

    def gtin_of(self, number: int) -> str:
        """The GTIN of the product that the item is."""
        return self.products[0 if number <= AS_PRINTED * PER_CARTON else 1].gtin


def found(session: Session, host: str, kek: bytes, luck: random.Random) -> World:
    """Founds the brand, orders, activates, packs and ships; all in the caller's transaction."""
    brand = found_brand(session, "lanting", "兰亭酒坊", "Lanting Winery")
    products = (
        register(
            session, brand.id, "6901234567892", "兰亭青梅酒 500ml", "Lanting plum wine 500 ml"
        ),
        register(
            session, brand.id, "6901234567908", "兰亭桂花酿 330ml", "Lanting osmanthus 330 ml"
        ),
    )
    admin, clerk = (Login(name, secrets.token_urlsafe(9)) for name in ("admin", "hangzhou"))
    add_operator(session, brand.id, admin.name, "林晓", Role.BRAND_ADMIN, admin.password)
    plant = add_site(session, brand.id, "PLANT", "绍兴酒厂", "plant", "330600")
    distributors, sites = _distributors(session, brand)
    add_operator(
        session, brand.id, clerk.name, "陈江", Role.DISTRIBUTOR, clerk.password,
        distributor_id=distributors[DIVERTING].id,
    )  # fmt: skip
    order = place(session, brand.id, OrderRequest("PO-2026-001", ITEMS, host, scheme="http"), kek)
    _activate(session, brand, order, products)
    contents = _pack(session, brand, order, plant, host, kek, luck)
    _ship(session, brand, plant, sites, contents.carton_order)
    terms = Terms("开盖有礼", "Open and win", POINTS, 50_000, clock.now(), daily_limit=DAILY_LIMIT)
    launch(session, brand.id, terms)
    _, key = api_key.issue(session, brand.id, "mini-program")
    return World(
        brand=brand,
        products=products,
        order=order,
        codes=code_list(session, order, kek),
        cartons=contents.items,
        held_by={carton: code for code, _, _, mine in DISTRIBUTORS for carton in mine},
        admin=admin,
        distributor_login=clerk,
        api_key=key,
        distributor_ids={code: row.id for code, row in distributors.items()},
    )


def _distributors(session: Session, brand: Brand) -> tuple[dict[str, Distributor], dict[str, Site]]:
    distributors, sites = {}, {}
    for code, name, region, _ in DISTRIBUTORS:
        distributors[code] = add_distributor(session, brand.id, code, name)
        sites[code] = add_site(
            session, brand.id, f"{code}-W", f"{name}仓库", "distributor", region,
            channel="general", distributor_id=distributors[code].id,
        )  # fmt: skip
        grant(
            session,
            brand_id=brand.id,
            distributor_id=distributors[code].id,
            region_code=TERRITORIES[code],
            valid_from=clock.now() - timedelta(days=365),
        )
    return distributors, sites


def _activate(
    session: Session, brand: Brand, order: CodeOrder, products: tuple[Product, Product]
) -> None:
    """The first half is one product's lot, the second the other's; one carton stays inactive."""
    half = AS_PRINTED * PER_CARTON
    today = day_of(clock.now(), DEFAULT_ZONE)
    released = half - PER_CARTON
    for first, last, product, lot in (
        (1, released, products[0], "A2611"),
        (half + 1, ITEMS, products[1], "B2611"),
    ):
        batch = Batch(product.id, lot, "绍兴", today, today + timedelta(days=1095))
        activate(session, brand.id, order.id, Numbers(first, last), batch, ACTOR)


@dataclass(frozen=True)
class _Contents:
    carton_order: CodeOrder
    items: dict[int, list[int]]


def _pack(
    session: Session,
    brand: Brand,
    order: CodeOrder,
    plant: Site,
    host: str,
    kek: bytes,
    luck: random.Random,
) -> _Contents:
    """Half the cartons as printed; the other half from a hopper that shuffled the items."""
    request = OrderRequest("CARTONS-001", CARTONS, host, Layer.CARTON, scheme="http")
    cartons = place(session, brand.id, request, kek)
    at = clock.now() - timedelta(days=20)
    pack_as_printed(
        session, brand_id=brand.id, items_order_id=order.id, cartons_order_id=cartons.id,
        first_item=1, quantity_per_carton=PER_CARTON, cartons=AS_PRINTED, first_carton=1,
        site_id=plant.id, key="pack-printed", actor=ACTOR, at=at,
        ssccs=SsccSeries(COMPANY_PREFIX, 1),
    )  # fmt: skip
    hopper = list(range(AS_PRINTED * PER_CARTON + 1, ITEMS + 1))
    luck.shuffle(hopper)
    items = {
        carton: list(range((carton - 1) * PER_CARTON + 1, carton * PER_CARTON + 1))
        for carton in range(1, AS_PRINTED + 1)
    }
    for index in range(CARTONS - AS_PRINTED):
        start = index * PER_CARTON
        items[AS_PRINTED + 1 + index] = hopper[start : start + PER_CARTON]
    lines = [
        (cartons.lo + carton - 1, [order.lo + number - 1 for number in items[carton]])
        for carton in range(AS_PRINTED + 1, CARTONS + 1)
    ]
    pack_collected(
        session, brand_id=brand.id, lines=lines, site_id=plant.id, key="line-report-1",
        actor=ACTOR, at=at,
    )  # fmt: skip
    return _Contents(cartons, items)


def _ship(
    session: Session, brand: Brand, plant: Site, sites: dict[str, Site], cartons: CodeOrder
) -> None:
    for code, _, _, mine in DISTRIBUTORS:
        ship(
            session,
            brand_id=brand.id,
            key=f"delivery-{code}",
            document=f"DN-{code}-1120",
            from_site_id=plant.id,
            to_site_id=sites[code].id,
            codes=[(cartons.lo + carton - 1, cartons.lo + carton) for carton in mine],
            actor=ACTOR,
            at=clock.now() - timedelta(days=10),
        )
