"""SQL that answers one question about one code of a brand, to be joined LATERAL to many.

Each finds at most one row with one or two descents of a B-tree or GiST index, whatever the size
of the tables. Tables of disjoint ranges are asked for the last `lo` at or below the code.
"""

from traceability.models import BLOCK_CODES


def covering(table: str, code: str, brand: str) -> str:
    """The row of the brand's disjoint ranges in a table that holds the code."""
    return f"""LATERAL (
        SELECT * FROM (SELECT * FROM {table} AS x
                       WHERE x.brand_id = {brand} AND x.lo <= {code} ORDER BY x.lo DESC LIMIT 1)
        AS nearest WHERE nearest.hi > {code})"""


def packed(code: str, brand: str) -> str:
    """The `carton_id` of the carton that the item is in: by its run, else by its block."""
    slot = f"CAST(mod({code}, {BLOCK_CODES}) AS smallint)"
    return f"""LATERAL (
        SELECT run.carton_id FROM {covering("packing", code, brand)} AS run
        UNION ALL
        SELECT b.cartons[array_position(b.slots, {slot})] FROM packing_block b
        WHERE b.brand_id = {brand} AND b.block = {code} / {BLOCK_CODES} AND {slot} = ANY(b.slots)
        LIMIT 1)"""


def holding(code: str, carton: str, brand: str) -> str:
    """Who has the code now: its own row of custody or its carton's, whichever is younger."""
    return f"""LATERAL (
        SELECT c.* FROM unnest(ARRAY[{code}, {carton}]) AS own(code)
        CROSS JOIN {covering("custody", "own.code", brand)} AS c
        ORDER BY c.since DESC, c.event_id DESC LIMIT 1)"""


def last_event(code: str, carton: str, brand: str, condition: str) -> str:
    """The last event of the code or its carton, of those that satisfy `condition` on `e`."""
    return f"""LATERAL (
        SELECT e.*, COALESCE(e.to_site_id, e.site_id) AS holder_site_id
        FROM unnest(ARRAY[{code}, {carton}]) AS own(code)
        JOIN trace_event_range r ON r.brand_id = {brand} AND int8range(r.lo, r.hi) @> own.code
        JOIN trace_event e ON e.brand_id = r.brand_id AND e.id = r.event_id
        WHERE {condition}
        ORDER BY e.event_time DESC, e.id DESC LIMIT 1)"""
