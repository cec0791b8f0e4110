"""Scans of a code are found by their visitor: a code that everybody scans was read whole each time

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_scan_code_visitor', 'scan', ['code_id', 'visitor_id', 'at'])
    op.drop_index('ix_scan_code', 'scan')


def downgrade() -> None:
    op.create_index('ix_scan_code', 'scan', ['code_id', 'at'])
    op.drop_index('ix_scan_code_visitor', 'scan')
