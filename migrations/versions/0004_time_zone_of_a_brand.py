"""A brand has a time zone, in which its days begin and end

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All brands had China's days until now.
    zone = sa.Column('time_zone', sa.String(), server_default='Asia/Shanghai', nullable=False)
    op.add_column('brand', zone)


def downgrade() -> None:
    op.drop_column('brand', 'time_zone')
