"""A product's GTIN can be corrected: what it was before, by whom and why

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'gtin_change',
        sa.Column('brand_id', sa.BigInteger(), nullable=False),
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('product_id', sa.BigInteger(), nullable=False),
        sa.Column('old_gtin', sa.String(), nullable=False),
        sa.Column('new_gtin', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('actor', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['brand_id'], ['brand.id'], name='fk_gtin_change_brand_id_brand'
        ),
        sa.ForeignKeyConstraint(
            ['brand_id', 'product_id'], ['product.brand_id', 'product.id'],
            name='fk_product_id_product',
        ),
        sa.PrimaryKeyConstraint('brand_id', 'id', name='pk_gtin_change'),
    )
    op.create_index('ix_gtin_change_product', 'gtin_change', ['brand_id', 'product_id'])


def downgrade() -> None:
    op.drop_table('gtin_change')
