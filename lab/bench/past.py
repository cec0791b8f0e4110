"""A database of the release before keys began with the brand, filled with a past of scans."""

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import migrations
from core import clock
from traceability import partitions

REVISION = "0004"
MONTHS = 12
SIZES = {
    "brands": 50,
    "items": 5_000_000,
    "scans": 10_000_000,
    "claims": 2_000_000,
    "members": 100_000,
    "cartons": 250_000,
}


def fill(engine: Engine, sizes: dict[str, int] = SIZES) -> None:
    """The tables as they were, with so many rows, known to the planner; the books balance.

    Item n is of brand 1 + n % brands, as are claim, member and carton n: all sizes are multiples
    of the number of brands, and claims of that of members.
    """
    migrations.upgrade(engine, REVISION)
    values = {**sizes, "months": MONTHS, "now": clock.now()}
    with Session(engine) as session, session.begin():
        partitions.ensure(session, months_back=MONTHS)
        for statement in _PAST:
            session.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


_BRAND = "1 + n % :brands"
_CODE = f"(CAST({_BRAND} AS bigint) << 32) + n / :brands"
_VISITOR = "CAST(md5('v' || n / 3) AS uuid)"
_PAST = (
    """INSERT INTO region (code, level, name_zh, name_en)
    VALUES ('330100', 'prefecture', '杭州', 'Hangzhou')""",
    """INSERT INTO brand (id, code, name_zh, name_en, created_at) OVERRIDING SYSTEM VALUE
    SELECT b, 'brand-' || b, '品牌', 'Brand', :now FROM generate_series(1, :brands) AS b""",
    """INSERT INTO distributor (id, brand_id, code, name, created_at) OVERRIDING SYSTEM VALUE
    SELECT id, id, 'D1', 'Dealer', :now FROM brand""",
    """INSERT INTO site (id, brand_id, code, name, kind, region_code, distributor_id)
    OVERRIDING SYSTEM VALUE
    SELECT id, id, 'S1', 'Shop', 'distributor', '330100', id FROM brand""",
    """INSERT INTO product (id, brand_id, gtin, name_zh, name_en, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, id, '06901234000016', '青梅酒', 'Plum wine', :now FROM brand""",
    """INSERT INTO signing_key (key_id, brand_id, wrapped_secret, next_number, created_at)
    SELECT id, id, '\\x00', 0, :now FROM brand""",
    """INSERT INTO code_order (id, brand_id, external_id, fingerprint, layer, key_id, quantity, lo,
        hi, product_id, scheme, host, letter_case, created_at) OVERRIDING SYSTEM VALUE
    SELECT id, id, 'PO-1', '-', 'item', id, 1000000000, id << 32, (id << 32) + 1000000000, id,
        'https', 'q.example', 'upper', :now FROM brand""",
    """INSERT INTO code_range (lo, hi, brand_id, order_id, layer, state, product_id, changed_at)
    SELECT lo, hi, brand_id, id, layer, 'active', product_id, :now FROM code_order""",
    f"""INSERT INTO item (code_id, brand_id, first_at, first_visitor, scans, last_at, last_visitor)
    SELECT {_CODE}, {_BRAND}, :now, {_VISITOR}, 2, :now, {_VISITOR}
    FROM generate_series(0, :items - 1) AS n""",
    # As they came: those of a month together, those of an item far apart.
    f"""INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, region_code,
        region_source, door)
    SELECT date_trunc('month', CAST(:now AS timestamptz), 'UTC')
            - (1 + month) * INTERVAL '1 month' + random() * INTERVAL '28 days',
        {_BRAND}, {_CODE}, CAST(md5('v' || n / 3 || month) AS uuid), 'first', 'allow', '330100',
        'proxy', 'page'
    FROM generate_series(0, :months - 1) AS month, generate_series(0, :scans / :months - 1) AS m,
        LATERAL (SELECT CAST(m + month * 7919 AS bigint) * 15485863 % :items AS n) AS scattered""",
    f"""INSERT INTO sighting (code_id, brand_id, at, visitor_id, region_code, product_id,
        distributor_id, resolved_at)
    SELECT {_CODE}, {_BRAND}, :now, {_VISITOR}, '330100', {_BRAND}, {_BRAND}, :now
    FROM generate_series(0, :items - 1) AS n""",
    f"""INSERT INTO visitor_track (visitor_id, window_started_at, window_scans, last_at)
    SELECT DISTINCT {_VISITOR}, :now, 1, :now FROM generate_series(0, :items - 1) AS n""",
    f"""INSERT INTO member (id, brand_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT n, {_BRAND}, :now FROM generate_series(0, :members - 1) AS n""",
    """INSERT INTO visitor_binding (visitor_id, brand_id, member_id, bound_at)
    SELECT CAST(md5('v' || id) AS uuid), brand_id, id, :now FROM member""",
    """INSERT INTO campaign (id, brand_id, name_zh, name_en, points, starts_at, budget_points,
        created_at) OVERRIDING SYSTEM VALUE
    SELECT id, id, '积分', 'Points', 5, :now, 1000000000, :now FROM brand""",
    """INSERT INTO campaign_budget (campaign_id, reserved_points)
    SELECT id, 5 * :claims / :brands FROM campaign""",
    f"""INSERT INTO claim (code_id, brand_id, campaign_id, visitor_id, member_id, points, decision,
        decided_at)
    SELECT {_CODE}, {_BRAND}, {_BRAND}, {_VISITOR}, n % :members, 5, 'granted', :now
    FROM generate_series(0, :claims - 1) AS n""",
    """INSERT INTO claim_count (campaign_id, person, day, claims)
    SELECT 1 + n % :brands, 'm:' || n % :members, CAST(:now AS date) - n / :members, 1
    FROM generate_series(0, :claims - 1) AS n""",
    """INSERT INTO account (id, brand_id, kind, member_id, balance) OVERRIDING SYSTEM VALUE
    SELECT :members + id, id, 'issuing', NULL, 0 FROM brand
    UNION ALL SELECT id, brand_id, 'member', id, 5 * :claims / :members FROM member""",
    """INSERT INTO transfer (brand_id, key, debit_account_id, credit_account_id, points, reason,
        code_id, at)
    SELECT brand_id, 'claim:' || code_id, :members + brand_id, member_id, 5, 'claim', code_id, :now
    FROM claim""",
    """INSERT INTO trace_event (id, brand_id, key, fingerprint, biz_step, event_time, recorded_at,
        site_id, actor) OVERRIDING SYSTEM VALUE
    SELECT id, id, 'pack', '-', 'packing', :now, :now, id, 'bench' FROM brand""",
    f"""INSERT INTO carton (carton_id, brand_id, product_id, quantity, event_id, packed_at)
    SELECT {_CODE} + 500000000, {_BRAND}, {_BRAND}, 20, {_BRAND}, :now
    FROM generate_series(0, :cartons - 1) AS n""",
    """INSERT INTO trace_event_range (event_id, lo, hi)
    SELECT event_id, carton_id, carton_id + 1 FROM carton""",
    """INSERT INTO packing (lo, hi, brand_id, carton_id)
    SELECT (brand_id << 32) + 20 * n, (brand_id << 32) + 20 * n + 20, brand_id, carton_id
    FROM carton, LATERAL (SELECT carton_id - (brand_id << 32) - 500000000 AS n) AS numbered""",
    """INSERT INTO packing_block (block, slots, cartons)
    SELECT ((brand_id << 32) + 900000000) / 64 + n, ARRAY[1, 2, 3],
        array_fill(carton_id, ARRAY[3])
    FROM carton, LATERAL (SELECT carton_id - (brand_id << 32) - 500000000 AS n) AS numbered""",
    """INSERT INTO custody (lo, hi, brand_id, site_id, disposition, event_id, since)
    SELECT carton_id, carton_id + 1, brand_id, brand_id, 'in_progress', event_id, :now
    FROM carton""",
)
