"""What was packed before blocks were is found after the migration to them."""

from importlib import import_module

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from core.db import make_sessions
from tests.traceability import world as trades
from traceability import queries
from traceability.pack import pack_collected

_AS_BEFORE = """
    INSERT INTO packing (lo, hi, brand_id, carton_id)
    SELECT item, item + 1, brand_id, carton_id FROM carton CROSS JOIN unnest(items) AS item;
    ALTER TABLE carton DROP COLUMN items;
    DROP TABLE packing_block;
"""


def test_items_packed_before_blocks_are_found_in_them(engine: Engine) -> None:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        trade = trades.world(session)
        trade.pack(cartons=5)
        mixed, other = trade.carton(6)[0], trade.carton(7)[0]
        lines = [
            (mixed, [trade.items.lo + number for number in (60, 65, 130)]),
            (other, [trade.items.lo + number for number in (61, 131, 132)]),
        ]
        pack_collected(
            session,
            brand_id=trade.brand.id,
            lines=lines,
            site_id=trade.plant.id,
            key="line",
            actor="line",
        )
    with engine.begin() as connection:
        connection.execute(text(_AS_BEFORE))
        with Operations.context(MigrationContext.configure(connection)):
            import_module("migrations.versions.0002_packing_blocks").upgrade()
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM packing")) == 5
        brand_id, first = trade.brand.id, trade.items.lo
        for carton_id, packed in lines:
            assert queries.contents(session, brand_id, carton_id)[0][0] == packed[0]
            for item in packed:
                found = queries.where_is(session, brand_id, item)
                assert found is not None
                assert found.carton_id == carton_id
        assert queries.contents(session, brand_id, trade.carton(1)[0]) == [(first, first + 12)]
        assert queries.where_is(session, brand_id, first + 62) is None
