"""Goods by the million, packed and shipped: written set-based, as the verbs would have.

What a look-up reads is there to the row (cartons, contents, custody, events); the histories that
it does not read (which codes each event spoke of, what the outbox owed) are left out.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.orm import Session, sessionmaker

from codegen.keys import rotate
from codegen.models import Layer
from codegen.order import OrderRequest, place
from core import clock
from core.db import make_engine, make_sessions
from identity.brand import found_brand
from identity.distributor import add_distributor
from identity.models import SiteKind
from identity.site import add_site
from lab.bench.ground import Ground
from lab.install import install
from traceability import queries
from traceability.models import BLOCK_CODES
from traceability.pack import Line, pack_collected
from traceability.ship import ship

PER_CARTON = 24
PALLET_CARTONS = 4
RANGES_PER_PALLET = 3
DEALERS = 20
PALLETS_PER_SHIPMENT = 50
SAMPLE_PALLETS = 8
HOPPER_SEED = 7
TABLES = ("carton", "packing", "packing_block", "custody", "trace_event")


@dataclass(frozen=True)
class Trade:
    """A brand with a plant and dealers, in a database of its own."""

    sessions: sessionmaker[Session]
    kek: bytes
    brand_id: int
    plant_id: int
    dealer_ids: list[int]


@dataclass(frozen=True)
class Lot:
    """Cartons of 24 and the items in them: as printed, or as they fell out of a hopper."""

    items_lo: int
    cartons_lo: int
    pallets: int
    is_mixed: bool

    @property
    def cartons(self) -> int:
        return self.pallets * PALLET_CARTONS

    @property
    def items(self) -> int:
        return self.cartons * PER_CARTON

    @property
    def shipments(self) -> int:
        """Neighbouring pallets never leave together: their custody would be one range."""
        return max(self.pallets // PALLETS_PER_SHIPMENT, min(self.pallets, SAMPLE_PALLETS))


def open_trade(base: Ground, name: str) -> Trade:
    """A trade in the new database `name`, beside the others on the same server."""
    url = make_url(base.settings.database_url)
    admin = make_engine(base.settings.database_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    own = url.set(database=name).render_as_string(hide_password=False)
    install(own)
    sessions = make_sessions(make_engine(own, statement_timeout_seconds=0))
    with sessions.begin() as session:
        brand = found_brand(session, "b", "品牌", "Brand")
        # Were it made by what `check` rolls back, the next would lie below or above it by chance,
        # and below, B-trees are half full.
        rotate(session, brand.id, base.settings.key_encryption_key)
        plant = add_site(session, brand.id, "P", "Plant", SiteKind.PLANT, "330100")
        dealers = []
        for number in range(DEALERS):
            code = f"D{number}"
            dealer = add_distributor(session, brand.id, code, code)
            kind = SiteKind.DISTRIBUTOR
            site = add_site(session, brand.id, code, code, kind, "440100", distributor_id=dealer.id)
            dealers.append(site.id)
    kek = base.settings.key_encryption_key
    return Trade(sessions, kek, brand.id, plant.id, dealers)


def order(session: Session, trade: Trade, name: str, pallets: int, *, is_mixed: bool) -> Lot:
    """Codes for a lot of so many pallets, not yet packed."""
    cartons = pallets * PALLET_CARTONS
    sizes = ((Layer.ITEM, cartons * PER_CARTON), (Layer.CARTON, cartons))
    items, outer = (
        place(
            session,
            trade.brand_id,
            OrderRequest(f"{name} {layer}", quantity, "yima.test", layer=layer),
            trade.kek,
        )
        for layer, quantity in sizes
    )
    return Lot(items.lo, outer.lo, pallets, is_mixed)


def fill(session: Session, trade: Trade, lot: Lot) -> None:
    """The lot is packed and shipped to dealers; then the second carton of each pallet moved on.

    So a pallet's custody is three ranges: what the second shipment split the first's into.
    """
    values = {
        "brand_id": trade.brand_id,
        "plant": trade.plant_id,
        "dealers": trade.dealer_ids,
        "items_lo": lot.items_lo,
        "items": lot.items,
        "cartons_lo": lot.cartons_lo,
        "cartons": lot.cartons,
        "pallets": lot.pallets,
        "shipments": lot.shipments,
        "name": f"{lot.cartons_lo}",
        "now": clock.now(),
        "day": timedelta(days=1),
        "seed": HOPPER_SEED,
    }
    # Row by row, foreign keys would take most of the time; put back, they check all at once.
    keys = session.execute(text(_FOREIGN_KEYS), {"tables": list(TABLES)}).all()
    for table, key, _ in keys:
        session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key}"))
    values["event_id"] = session.execute(_EVENTS, values).scalar_one()
    for statement in (*(_MIXED if lot.is_mixed else _PRINTED), _CUSTODY):
        session.execute(statement, values)
    for table, key, definition in keys:
        session.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {key} {definition}"))


_FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables)
"""


_EVENTS = text("""
    WITH told AS (
        INSERT INTO trace_event (brand_id, key, fingerprint, biz_step, event_time, recorded_at,
            site_id, to_site_id, document, actor)
        SELECT :brand_id, :name || e.document, '', e.step, :now - :day * (3 - e.turn), :now,
            COALESCE(e.site_id, :plant), e.to_site_id, e.document, 'bench'
        FROM (
            SELECT 0 AS turn, 0 AS n, 'packing' AS step, 'pack' AS document,
                CAST(NULL AS bigint) AS site_id, CAST(NULL AS bigint) AS to_site_id
            UNION ALL
            SELECT t.turn, n, 'shipping', CASE t.turn WHEN 1 THEN 'first ' ELSE 'again ' END || n,
                CASE t.turn WHEN 2 THEN d.ids[1 + n % cardinality(d.ids)] END,
                d.ids[1 + (n + t.turn - 1) % cardinality(d.ids)]
            FROM (SELECT CAST(:dealers AS bigint[]) AS ids) AS d,
                generate_series(0, :shipments - 1) AS n, generate_series(1, 2) AS t(turn)
        ) AS e ORDER BY e.turn, e.n
        RETURNING id)
    SELECT min(id) FROM told
""")
_CUSTODY = text(f"""
    INSERT INTO custody (lo, hi, brand_id, site_id, disposition, event_id, since)
    SELECT pallet.lo + part.lo, pallet.lo + part.hi, :brand_id, e.to_site_id, 'in_transit', e.id,
        e.event_time
    FROM generate_series(CAST(0 AS bigint), :pallets - 1) AS p
    CROSS JOIN LATERAL (SELECT :cartons_lo + {PALLET_CARTONS} * p AS lo) AS pallet
    CROSS JOIN (VALUES (0, 1, 0), (1, 2, 1), (2, {PALLET_CARTONS}, 0)) AS part(lo, hi, turn)
    JOIN trace_event e ON e.brand_id = :brand_id
        AND e.id = :event_id + 1 + part.turn * :shipments + p % :shipments
""")
_CARTON_COLUMNS = "carton_id, brand_id, quantity, event_id, packed_at, items"
_PRINTED = (
    text(f"""
        INSERT INTO carton ({_CARTON_COLUMNS})
        SELECT :cartons_lo + c, :brand_id, {PER_CARTON}, :event_id, :now - 3 * :day, NULL
        FROM generate_series(CAST(0 AS bigint), :cartons - 1) AS c
    """),
    text(f"""
        INSERT INTO packing (lo, hi, brand_id, carton_id)
        SELECT :items_lo + {PER_CARTON} * c, :items_lo + {PER_CARTON} * (c + 1), :brand_id,
            :cartons_lo + c
        FROM generate_series(CAST(0 AS bigint), :cartons - 1) AS c
    """),
)
_MIXED = (
    text(f"""
        CREATE TEMPORARY TABLE hopper ON COMMIT DROP AS
        SELECT :items_lo + n AS item, :cartons_lo
            + (row_number() OVER (ORDER BY hashint8extended(n, :seed)) - 1) / {PER_CARTON}
            AS carton_id
        FROM generate_series(CAST(0 AS bigint), :items - 1) AS n
    """),
    text(f"""
        INSERT INTO carton ({_CARTON_COLUMNS})
        SELECT carton_id, :brand_id, {PER_CARTON}, :event_id, :now - 3 * :day,
            array_agg(item ORDER BY item)
        FROM hopper GROUP BY carton_id ORDER BY carton_id
    """),
    text(f"""
        INSERT INTO packing_block (brand_id, block, slots, cartons)
        SELECT :brand_id, item / {BLOCK_CODES}, array_agg(CAST(item % {BLOCK_CODES} AS smallint)),
            array_agg(carton_id)
        FROM hopper GROUP BY 2 ORDER BY 2
    """),
    text("DROP TABLE hopper"),
)


def check(trade: Trade, *, is_mixed: bool) -> None:
    """Nothing, if `fill` writes for a small lot what the verbs write; raises `RuntimeError`."""
    with trade.sessions() as session:
        filled = order(session, trade, "filled", SAMPLE_PALLETS, is_mixed=is_mixed)
        fill(session, trade, filled)
        written = order(session, trade, "written", SAMPLE_PALLETS, is_mixed=is_mixed)
        contents = [
            queries.contents(session, trade.brand_id, filled.cartons_lo + carton)
            for carton in range(filled.cartons)
        ]
        shift = written.items_lo - filled.items_lo
        _write(session, trade, written, [
            (written.cartons_lo + carton, [n + shift for lo, hi in runs for n in range(lo, hi)])
            for carton, runs in enumerate(contents)
        ])  # fmt: skip
        if _rows(session, filled) != _rows(session, written):
            raise RuntimeError("what was filled is not what packing and shipping write")
        session.rollback()


def _write(session: Session, trade: Trade, lot: Lot, lines: list[Line]) -> None:
    """What `fill` does, by the product's verbs."""
    more: dict[str, Any] = {"brand_id": trade.brand_id, "actor": "bench"}
    day, now = timedelta(days=1), clock.now()
    pack_collected(
        session, lines=lines, site_id=trade.plant_id, key="pack", at=now - 3 * day, **more
    )
    for pallet in range(lot.pallets):
        lo = lot.cartons_lo + PALLET_CARTONS * pallet
        way = [trade.plant_id, trade.dealer_ids[pallet], trade.dealer_ids[pallet + 1]]
        moved = ((lo, lo + PALLET_CARTONS), (lo + 1, lo + 2))
        for turn, name in enumerate(("first", "again")):
            ship(
                session, key=f"{name} {pallet}", document=f"{name} {pallet}", codes=[moved[turn]],
                from_site_id=way[turn], to_site_id=way[turn + 1], at=now - (2 - turn) * day, **more,
            )  # fmt: skip


def _rows(session: Session, lot: Lot) -> list[list[tuple[object, ...]]]:
    """What the tables say of the lot, counted from its first item and carton."""
    values = {
        "items_lo": lot.items_lo,
        "items_hi": lot.items_lo + lot.items,
        "cartons_lo": lot.cartons_lo,
        "cartons_hi": lot.cartons_lo + lot.cartons,
    }
    return [[tuple(row) for row in session.execute(text(query), values)] for query in _ROWS]


_ROWS = (
    """SELECT lo - :cartons_lo, hi - :cartons_lo, c.site_id, disposition, e.document
       FROM custody c JOIN trace_event e ON e.brand_id = c.brand_id AND e.id = c.event_id
       WHERE lo >= :cartons_lo AND lo < :cartons_hi ORDER BY 1""",
    """SELECT lo - :items_lo, hi - :items_lo, carton_id - :cartons_lo FROM packing
       WHERE lo >= :items_lo AND lo < :items_hi ORDER BY 1""",
    f"""SELECT item - :items_lo, u.carton_id - :cartons_lo
       FROM packing_block b CROSS JOIN unnest(b.slots, b.cartons) AS u(slot, carton_id)
       CROSS JOIN LATERAL (SELECT {BLOCK_CODES} * b.block + u.slot AS item) AS i
       WHERE item >= :items_lo AND item < :items_hi ORDER BY 1""",
    """SELECT carton_id - :cartons_lo, product_id, quantity, sscc,
       ARRAY(SELECT n - :items_lo FROM unnest(items) AS n) FROM carton
       WHERE carton_id >= :cartons_lo AND carton_id < :cartons_hi ORDER BY 1""",
)


def settle(trade: Trade) -> None:
    """The tables are vacuumed and the planner knows them."""
    with trade.sessions() as session:
        connection = session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        connection.execute(text(f"VACUUM (ANALYZE) {', '.join(TABLES)}"))


def bytes_of(trade: Trade) -> dict[str, int]:
    """How much each table takes with its indexes, by name."""
    with trade.sessions() as session:
        query = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        return {name: int(session.execute(query, {"name": name}).scalar_one()) for name in TABLES}
