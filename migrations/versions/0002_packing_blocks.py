"""Items without runs are packed in blocks"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# As the program has it at this step: later programs may see it otherwise.
_MIXED = "SELECT carton_id FROM packing GROUP BY carton_id HAVING sum(hi - lo) < 5 * count(*)"
_ITEMS = "packing p CROSS JOIN LATERAL generate_series(p.lo, p.hi - 1) AS i(item)"


def upgrade() -> None:
    op.create_table('packing_block',
    sa.Column('block', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('slots', postgresql.ARRAY(sa.SmallInteger()), nullable=False),
    sa.Column('cartons', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.PrimaryKeyConstraint('block', name=op.f('pk_packing_block'))
    )
    op.add_column('carton', sa.Column('items', postgresql.ARRAY(sa.BigInteger()), nullable=True))
    op.execute("LOCK TABLE packing IN EXCLUSIVE MODE")  # who looks up goes on, who packs waits
    op.execute(f"CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS {_MIXED}")
    op.execute(f"""
        INSERT INTO packing_block (block, slots, cartons)
        SELECT i.item / 64, array_agg(CAST(i.item % 64 AS smallint)), array_agg(p.carton_id)
        FROM {_ITEMS} WHERE p.carton_id IN (SELECT carton_id FROM mixed) GROUP BY 1
    """)
    op.execute(f"""
        UPDATE carton SET items = content.items
        FROM (SELECT p.carton_id, array_agg(i.item ORDER BY i.item) AS items
            FROM {_ITEMS} WHERE p.carton_id IN (SELECT carton_id FROM mixed) GROUP BY 1) AS content
        WHERE carton.carton_id = content.carton_id
    """)
    op.execute("DELETE FROM packing WHERE carton_id IN (SELECT carton_id FROM mixed)")
