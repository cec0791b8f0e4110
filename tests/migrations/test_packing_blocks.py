"""What was packed before blocks were is found in them."""

from sqlalchemy import text

import migrations
from core.db import make_engine

# Carton 900 holds a run of 12, 901 and 902 hold three items each that are no run.
BEFORE = """
    -- Only what was packed: no brand, no event.
    ALTER TABLE carton DROP CONSTRAINT fk_carton_brand_id_brand,
        DROP CONSTRAINT fk_carton_event_id_trace_event;
    ALTER TABLE packing DROP CONSTRAINT fk_packing_brand_id_brand;
    INSERT INTO carton (carton_id, brand_id, quantity, event_id, packed_at)
        SELECT carton, 1, quantity, 1, now()
        FROM (VALUES (900, 12), (901, 3), (902, 3)) AS c(carton, quantity);
    INSERT INTO packing (lo, hi, brand_id, carton_id)
        VALUES (0, 12, 1, 900), (60, 61, 1, 901), (65, 66, 1, 901), (130, 131, 1, 901),
               (61, 62, 1, 902), (131, 133, 1, 902);
"""


def test_items_packed_before_blocks_are_found_in_them(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    migrations.upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text(BEFORE))
    migrations.upgrade(engine, "0002")
    with engine.connect() as connection:
        runs = connection.execute(text("SELECT lo, hi, carton_id FROM packing")).all()
        items = connection.execute(
            text("SELECT carton_id, items FROM carton WHERE items IS NOT NULL ORDER BY 1")
        ).all()
        blocks = connection.execute(
            text("""
                SELECT 64 * block + slot, carton FROM packing_block,
                       unnest(slots, cartons) AS u(slot, carton) ORDER BY 1
            """)
        ).all()
    engine.dispose()
    assert runs == [(0, 12, 900)]
    assert items == [(901, [60, 65, 130]), (902, [61, 131, 132])]
    assert blocks == [(60, 901), (61, 902), (65, 901), (130, 901), (131, 902), (132, 902)]
