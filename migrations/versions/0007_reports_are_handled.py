"""A report has a state, and who took it up, when, and what came of it

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('report', sa.Column('state', sa.String(), server_default='new', nullable=False))
    op.add_column('report', sa.Column('handled_by', sa.String(), nullable=True))
    op.add_column('report', sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        'report', sa.Column('handled_note', sa.String(), server_default='', nullable=False)
    )


def downgrade() -> None:
    for name in ('handled_note', 'handled_at', 'handled_by', 'state'):
        op.drop_column('report', name)
