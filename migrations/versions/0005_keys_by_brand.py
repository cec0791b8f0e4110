"""Every key of a brand's data begins with the brand, so that no row points at another brand's

Big tables stay in use: indexes are built beside the old ones, foreign keys added unproven and
validated, and no step locks others out for longer than it takes to swap names. It may be
interrupted and begun again. From the swap of a table's key on, which comes last, the release
before this one can't write to it.

Revision ID: 0005
Revises: 0004
"""

from alembic import op
from sqlalchemy import Connection, text

from migrations import online

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# Tables that did not say whose they are, with the row that does.
OWNERS = {
    'campaign_budget': 'campaign AS o WHERE o.id = t.campaign_id',
    'claim_count': 'campaign AS o WHERE o.id = t.campaign_id',
    'finding_step': 'finding AS o WHERE o.id = t.finding_id',
    'packing_block': 'carton AS o WHERE o.carton_id = t.cartons[1]',
    'trace_event_range': 'trace_event AS o WHERE o.id = t.event_id',
}

PRIMARY_KEYS = {
    'account': ('id',), 'api_key': ('id',), 'campaign': ('id',),
    'campaign_budget': ('campaign_id',), 'carton': ('carton_id',), 'claim': ('code_id',),
    'claim_count': ('campaign_id', 'person', 'day'), 'claim_refusal': ('id',),
    'code_order': ('id',), 'code_range': ('lo',), 'custody': ('lo',), 'distributor': ('id',),
    'finding': ('id',), 'finding_step': ('id',), 'item': ('code_id',), 'member': ('id',),
    'member_identity': ('id',), 'one_time_code': ('id',), 'operator': ('id',), 'packing': ('lo',),
    'packing_block': ('block',), 'product': ('id',), 'range_change': ('id',),
    'sighting': ('code_id',), 'signing_key': ('key_id',), 'site': ('id',), 'territory': ('id',),
    'trace_event': ('id',), 'trace_event_range': ('event_id', 'lo'), 'transfer': ('id',),
    'visitor_binding': ('visitor_id',),
}

UNIQUE = (
    ('api_key', 'uq_api_key_brand_id_prefix', ('brand_id', 'prefix')),
    ('code_order', 'uq_code_order_brand_id_lo', ('brand_id', 'lo')),
    ('operator', 'uq_operator_brand_id_login', ('brand_id', 'login')),
)
KEYS = (
    *((table, f'pk_{table}', 'PRIMARY KEY', ('brand_id', *columns))
      for table, columns in PRIMARY_KEYS.items()),
    *((table, name, 'UNIQUE', columns) for table, name, columns in UNIQUE),
)
OLD_UNIQUE = (
    ('api_key', 'uq_api_key_prefix'), ('code_order', 'uq_code_order_lo'),
    ('operator', 'uq_operator_login'),
)

# (table, column, the table it points at, its key there)
FOREIGN_KEYS = (
    ('campaign_budget', 'campaign_id', 'campaign', 'id'),
    ('carton', 'event_id', 'trace_event', 'id'),
    ('carton', 'product_id', 'product', 'id'),
    ('claim', 'campaign_id', 'campaign', 'id'),
    ('claim_count', 'campaign_id', 'campaign', 'id'),
    ('code_order', 'key_id', 'signing_key', 'key_id'),
    ('code_order', 'product_id', 'product', 'id'),
    ('code_range', 'order_id', 'code_order', 'id'),
    ('code_range', 'product_id', 'product', 'id'),
    ('custody', 'event_id', 'trace_event', 'id'),
    ('custody', 'site_id', 'site', 'id'),
    ('finding', 'distributor_id', 'distributor', 'id'),
    ('finding', 'product_id', 'product', 'id'),
    ('finding_step', 'finding_id', 'finding', 'id'),
    ('member_identity', 'member_id', 'member', 'id'),
    ('operator', 'distributor_id', 'distributor', 'id'),
    ('packing', 'carton_id', 'carton', 'carton_id'),
    ('range_change', 'order_id', 'code_order', 'id'),
    ('site', 'distributor_id', 'distributor', 'id'),
    ('territory', 'distributor_id', 'distributor', 'id'),
    ('territory', 'product_id', 'product', 'id'),
    ('trace_event', 'site_id', 'site', 'id'),
    ('trace_event', 'to_site_id', 'site', 'id'),
    ('trace_event_range', 'event_id', 'trace_event', 'id'),
    ('transfer', 'credit_account_id', 'account', 'id'),
    ('transfer', 'debit_account_id', 'account', 'id'),
    ('visitor_binding', 'member_id', 'member', 'id'),
)

# (table, name, definition); those whose name an old index has are built under another one.
INDEXES = (
    ('claim', 'ix_claim_member', '(brand_id, member_id, decided_at)'),
    ('claim', 'ix_claim_visitor', '(brand_id, visitor_id) WHERE member_id IS NULL'),
    ('claim_refusal', 'ix_claim_refusal_code', '(brand_id, code_id)'),
    ('code_range', 'ix_code_range_order', '(brand_id, order_id)'),
    ('custody', 'ix_custody_site', '(brand_id, site_id)'),
    ('finding_step', 'ix_finding_step_finding', '(brand_id, finding_id)'),
    ('member_identity', 'ix_member_identity_member', '(brand_id, member_id)'),
    ('packing', 'ix_packing_carton', '(brand_id, carton_id)'),
    ('range_change', 'ix_range_change_order', '(brand_id, order_id)'),
    ('sighting', 'ix_sighting_carton', '(brand_id, carton_id)'),
    ('territory', 'ix_territory_distributor', '(brand_id, distributor_id)'),
    ('transfer', 'ix_transfer_credit', '(brand_id, credit_account_id, id)'),
    ('transfer', 'ix_transfer_debit', '(brand_id, debit_account_id, id)'),
    ('visitor_binding', 'ix_visitor_binding_member', '(brand_id, member_id)'),
)
OLD_INDEXES = (
    'ix_campaign_brand_id', 'ix_code_range_order_id', 'ix_custody_site_id',
    'ix_finding_distributor_id', 'ix_finding_step_finding_id', 'ix_member_brand',
    'ix_member_identity_member_id', 'ix_packing_carton_id', 'ix_range_change_order_id',
    'ix_territory_brand_id', 'ix_territory_distributor_id', 'ix_visitor_binding_member_id',
)
SCAN_KEY = 'brand_id, code_id, visitor_id, at'


def upgrade() -> None:
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        _prepare(connection)
        _swap(connection)
        for name in OLD_INDEXES:
            online.drop_index(connection, name)
        for table in OWNERS:  # the planner knows nothing of the new columns yet
            online.run_beside(connection, f'ANALYZE {table}')


def _prepare(connection: Connection) -> None:
    """Whatever reads rows: the release before goes on with the tables as they are meanwhile."""
    _names(connection)
    for table, owner in OWNERS.items():
        _say_whose(connection, table, owner)
    for table, name, definition in INDEXES:
        # An index of that name which begins with the brand is the new one.
        if not _is_new_index(connection, name):
            online.create_index(connection, f'{name}_new', table, definition)
    for table, name, kind, columns in KEYS:
        online.create_key_index(connection, table, name, kind, columns)
    _index_scans(connection)
    # The index of a key that is not swapped yet is enough for what points at it.
    for table, column, target, key in FOREIGN_KEYS:
        online.add_foreign_key(
            connection, table, f'fk_{column}_{target}', ('brand_id', column),
            f'{target} (brand_id, {key})',
        )
    online.add_foreign_key(
        connection, 'packing_block', 'fk_packing_block_brand_id_brand', ('brand_id',), 'brand (id)'
    )


def downgrade() -> None:
    raise RuntimeError('Keys by brand stay: restore a backup of before instead.')


def _names(connection: Connection) -> None:
    """Names that are unique in the installation are in a table of their own."""
    online.run(connection, '''
        CREATE TABLE IF NOT EXISTS global_name (
            kind varchar NOT NULL, name varchar NOT NULL, brand_id bigint NOT NULL,
            CONSTRAINT pk_global_name PRIMARY KEY (kind, name),
            CONSTRAINT fk_global_name_brand_id_brand FOREIGN KEY (brand_id) REFERENCES brand (id))
    ''')
    online.run(connection, '''
        INSERT INTO global_name (kind, name, brand_id)
        SELECT 'login', login, brand_id FROM operator
        UNION ALL SELECT 'key_prefix', prefix, brand_id FROM api_key
        UNION ALL SELECT 'signing_key', CAST(key_id AS varchar), brand_id FROM signing_key
        ON CONFLICT DO NOTHING
    ''')


def _say_whose(connection: Connection, table: str, owner: str) -> None:
    """Each row of the table names its brand, also those that the release before still writes."""
    if not online.has_column(connection, table, 'brand_id'):
        online.run(connection, f'ALTER TABLE {table} ADD COLUMN brand_id bigint')
    if online.exists(
        connection,
        'SELECT FROM information_schema.columns WHERE table_schema = current_schema()'
        " AND table_name = :table AND column_name = 'brand_id' AND is_nullable = 'NO'",
        table=table,
    ):
        return
    of_new = owner.replace('t.', 'NEW.')
    online.run(connection, f'''
        CREATE OR REPLACE FUNCTION {table}_says_whose() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.brand_id := (SELECT o.brand_id FROM {of_new});
            RETURN NEW;
        END $$
    ''')
    online.run(connection, f'''
        CREATE OR REPLACE TRIGGER says_whose BEFORE INSERT OR UPDATE ON {table}
        FOR EACH ROW WHEN (NEW.brand_id IS NULL) EXECUTE FUNCTION {table}_says_whose()
    ''')
    online.fill(
        connection, table,
        f'UPDATE {table} AS t SET brand_id = o.brand_id FROM {owner}'
        ' AND t.brand_id IS NULL AND {blocks}',
    )
    if online.constraint(connection, table, 'whose') is None:
        online.run(
            connection,
            f'ALTER TABLE {table} ADD CONSTRAINT whose CHECK (brand_id IS NOT NULL) NOT VALID',
        )
    online.run_beside(connection, f'ALTER TABLE {table} VALIDATE CONSTRAINT whose')
    # No scan of the table: the constraint has said it already.
    online.run(connection, f'ALTER TABLE {table} ALTER COLUMN brand_id SET NOT NULL')
    online.drop_constraint(connection, table, 'whose')


def _is_new_index(connection: Connection, name: str) -> bool:
    return online.exists(
        connection,
        "SELECT FROM pg_indexes WHERE schemaname = current_schema() AND indexname = :name"
        " AND indexdef LIKE '%(brand_id,%'",
        name=name,
    )


def _partitions(connection: Connection) -> list[str]:
    return list(connection.execute(text('''
        SELECT CAST(i.inhrelid AS regclass)::text FROM pg_inherits i
        WHERE i.inhparent = to_regclass('scan') ORDER BY 1
    ''')).scalars())


def _index_scans(connection: Connection) -> None:
    """Each month of scans has the index of its new key; building it locks nothing."""
    if not online.has_column(connection, 'scan', 'id'):
        return
    for part in _partitions(connection):
        online.create_index(connection, f'{part}_pk_new', part, f'UNIQUE ({SCAN_KEY})')


def _swap(connection: Connection) -> None:
    """Old keys go, new ones take their place: names only, no rows are read."""
    for table, column, target, _ in FOREIGN_KEYS:
        online.drop_constraint(connection, table, f'fk_{table}_{column}_{target}')
    online.drop_constraint(connection, 'account', 'fk_account_member_id_member')
    for table, name, kind, columns in KEYS:
        online.swap_key(connection, table, name, kind, columns)
    for table, name in OLD_UNIQUE:
        online.drop_constraint(connection, table, name)
    for _, name, _ in INDEXES:
        if not _is_new_index(connection, name):
            online.drop_index(connection, name)
            online.rename_index(connection, f'{name}_new', name)
    _swap_scans(connection)
    if not online.has_column(connection, 'visitor_track', 'brand_id'):
        # What it held counts for ten minutes: it begins anew, by brand.
        online.run(connection, '''
            DO $$ BEGIN
                DROP TABLE visitor_track;
                CREATE TABLE visitor_track (
                    brand_id bigint NOT NULL, visitor_id uuid NOT NULL,
                    window_started_at timestamptz NOT NULL, window_scans bigint NOT NULL,
                    last_at timestamptz NOT NULL, last_region varchar, place_at timestamptz,
                    CONSTRAINT pk_visitor_track PRIMARY KEY (brand_id, visitor_id));
            END $$
        ''')
    _rename(connection, 'account', 'member_id', 'owner_id')
    _rename(connection, 'transfer', 'code_id', 'subject_id')
    if online.constraint(connection, 'account', 'uq_account_brand_id_kind_member_id'):
        online.run(connection, '''
            ALTER TABLE account RENAME CONSTRAINT uq_account_brand_id_kind_member_id
            TO uq_account_brand_id_kind_owner_id
        ''')
    for table in OWNERS:
        online.run(connection, f'DROP TRIGGER IF EXISTS says_whose ON {table}')
        online.run(connection, f'DROP FUNCTION IF EXISTS {table}_says_whose()')
    _names(connection)  # and what was added meanwhile


def _rename(connection: Connection, table: str, old: str, new: str) -> None:
    if online.has_column(connection, table, old):
        online.run(connection, f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')


def _swap_scans(connection: Connection) -> None:
    """A scan is known by code, visitor and time; nobody ever read its number."""
    if not online.has_column(connection, 'scan', 'id'):
        return
    _index_scans(connection)  # of a month that came meanwhile, too
    parts = _partitions(connection)
    keys = ' '.join(
        f'ALTER TABLE {part} ADD CONSTRAINT {part}_pkey PRIMARY KEY USING INDEX {part}_pk_new;'
        f' ALTER INDEX pk_scan ATTACH PARTITION {part}_pkey;'
        for part in parts
    )
    online.run(connection, f'''
        DO $$ BEGIN
            ALTER TABLE scan DROP CONSTRAINT pk_scan;
            DROP INDEX ix_scan_code_visitor;
            ALTER TABLE ONLY scan ADD CONSTRAINT pk_scan PRIMARY KEY ({SCAN_KEY});
            {keys}
            ALTER TABLE scan DROP COLUMN id;
        END $$
    ''')
