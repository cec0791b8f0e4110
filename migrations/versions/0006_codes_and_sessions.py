"""Codes are their browser's, bindings are kept when they end, sessions have ids, forms count once

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('one_time_code', sa.Column('visitor_id', sa.Uuid(), nullable=True))
    op.add_column('visitor_binding', sa.Column('ended_at', sa.DateTime(timezone=True)))
    op.create_table(
        'operator_session',
        sa.Column('brand_id', sa.BigInteger(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('operator_id', sa.BigInteger(), nullable=False),
        sa.Column('device', sa.String(), nullable=False),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['brand_id', 'operator_id'], ['operator.brand_id', 'operator.id'],
            name='fk_operator_id_operator',
        ),
        sa.PrimaryKeyConstraint('brand_id', 'id', name='pk_operator_session'),
    )
    op.create_index(
        'ix_operator_session_operator', 'operator_session', ['brand_id', 'operator_id']
    )
    op.drop_column('operator', 'session_epoch')
    op.create_table(
        'spent_key',
        sa.Column('brand_id', sa.BigInteger(), nullable=False),
        sa.Column('key', sa.Uuid(), nullable=False),
        sa.Column('spent_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['brand_id'], ['brand.id'], name='fk_spent_key_brand_id_brand'
        ),
        sa.PrimaryKeyConstraint('brand_id', 'key', name='pk_spent_key'),
    )


def downgrade() -> None:
    op.add_column(
        'operator',
        sa.Column('session_epoch', sa.BigInteger(), server_default='0', nullable=False),
    )
    op.drop_table('spent_key')
    op.drop_table('operator_session')
    op.drop_column('visitor_binding', 'ended_at')
    op.drop_column('one_time_code', 'visitor_id')
