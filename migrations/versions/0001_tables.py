"""Tables of every room"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('brand',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_brand')),
    sa.UniqueConstraint('code', name=op.f('uq_brand_code'))
    )
    op.create_table('claim_refusal',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('code_id', sa.BigInteger(), nullable=False),
    sa.Column('campaign_id', sa.BigInteger(), nullable=True),
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_refusal'))
    )
    op.create_index('ix_claim_refusal_code', 'claim_refusal', ['code_id'], unique=False)
    op.create_table('forged_attempts',
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.LargeBinary(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('hour', 'source', name=op.f('pk_forged_attempts'))
    )
    op.create_table('intake_batch',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_batch'))
    )
    op.create_table('item',
    sa.Column('code_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_visitor', sa.Uuid(), nullable=False),
    sa.Column('first_region', sa.String(), nullable=True),
    sa.Column('scans', sa.BigInteger(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_visitor', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('code_id', name=op.f('pk_item'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('topic', sa.String(), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('parked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    op.create_index('ix_outbox_owed', 'outbox', ['topic', 'id'], unique=False, postgresql_where=sa.text('done_at IS NULL AND parked_at IS NULL'))
    op.create_table('region',
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('parent_code', sa.String(), nullable=True),
    sa.Column('level', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=True),
    sa.Column('lat', sa.Double(), nullable=True),
    sa.Column('lon', sa.Double(), nullable=True),
    sa.Column('same_as', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['parent_code'], ['region.code'], name=op.f('fk_region_parent_code_region')),
    sa.ForeignKeyConstraint(['same_as'], ['region.code'], name=op.f('fk_region_same_as_region')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_region'))
    )
    op.create_index(op.f('ix_region_parent_code'), 'region', ['parent_code'], unique=False)
    op.create_table('scan',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('code_id', sa.BigInteger(), nullable=False),
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('region_code', sa.String(), nullable=True),
    sa.Column('region_source', sa.String(), nullable=True),
    sa.Column('accuracy_m', sa.BigInteger(), nullable=True),
    sa.Column('door', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', 'at', name=op.f('pk_scan')),
    postgresql_partition_by='RANGE (at)'
    )
    op.create_index('ix_scan_code', 'scan', ['code_id', 'at'], unique=False)
    op.create_table('sighting',
    sa.Column('code_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('region_code', sa.String(), nullable=True),
    sa.Column('region_source', sa.String(), nullable=True),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('carton_id', sa.BigInteger(), nullable=True),
    sa.Column('event_id', sa.BigInteger(), nullable=True),
    sa.Column('site_id', sa.BigInteger(), nullable=True),
    sa.Column('distributor_id', sa.BigInteger(), nullable=True),
    sa.Column('in_territory', sa.Boolean(), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('code_id', name=op.f('pk_sighting'))
    )
    op.create_index('ix_sighting_carton', 'sighting', ['carton_id'], unique=False)
    op.create_index('ix_sighting_flow', 'sighting', ['brand_id', 'distributor_id', 'product_id', 'region_code'], unique=False)
    op.create_table('sign_in_failures',
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('window_started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('failures', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_sign_in_failures'))
    )
    op.create_table('visitor_track',
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('window_started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('window_scans', sa.BigInteger(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_region', sa.String(), nullable=True),
    sa.Column('place_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('visitor_id', name=op.f('pk_visitor_track'))
    )
    op.create_table('api_key',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_api_key_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key')),
    sa.UniqueConstraint('prefix', name=op.f('uq_api_key_prefix'))
    )
    op.create_table('campaign',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('points', sa.BigInteger(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('product_ids', postgresql.ARRAY(sa.BigInteger()), nullable=True),
    sa.Column('area_codes', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('daily_limit', sa.BigInteger(), nullable=True),
    sa.Column('budget_points', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('points > 0', name=op.f('ck_campaign_pays')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_campaign_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign'))
    )
    op.create_index(op.f('ix_campaign_brand_id'), 'campaign', ['brand_id'], unique=False)
    op.create_table('distributor',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_distributor_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_distributor')),
    sa.UniqueConstraint('brand_id', 'code', name=op.f('uq_distributor_brand_id_code'))
    )
    op.create_table('member',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_member_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member'))
    )
    op.create_index('ix_member_brand', 'member', ['brand_id', 'id'], unique=False)
    op.create_table('one_time_code',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('subject_digest', sa.LargeBinary(), nullable=False),
    sa.Column('code_digest', sa.LargeBinary(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_one_time_code_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_one_time_code'))
    )
    op.create_index('ix_one_time_code_subject', 'one_time_code', ['brand_id', 'subject_digest', 'sent_at'], unique=False)
    op.create_table('product',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('gtin', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_product_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product')),
    sa.UniqueConstraint('brand_id', 'gtin', name=op.f('uq_product_brand_id_gtin'))
    )
    op.create_table('report',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=True),
    sa.Column('serial', sa.String(), nullable=False),
    sa.Column('bought_where', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_report_brand_id_brand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report'))
    )
    op.create_index(op.f('ix_report_brand_id'), 'report', ['brand_id'], unique=False)
    op.create_table('signing_key',
    sa.Column('key_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('wrapped_secret', sa.LargeBinary(), nullable=False),
    sa.Column('next_number', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_signing_key_brand_id_brand')),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_signing_key'))
    )
    op.create_table('account',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=True),
    sa.Column('balance', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('balance >= 0', name=op.f('ck_account_not_overdrawn')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_account_brand_id_brand')),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_account_member_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('brand_id', 'kind', 'member_id', name=op.f('uq_account_brand_id_kind_member_id'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('campaign_budget',
    sa.Column('campaign_id', sa.BigInteger(), nullable=False),
    sa.Column('reserved_points', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_campaign_budget_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_campaign_budget'))
    )
    op.create_table('claim',
    sa.Column('code_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('campaign_id', sa.BigInteger(), nullable=False),
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=True),
    sa.Column('points', sa.BigInteger(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('bound_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_claim_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('code_id', name=op.f('pk_claim'))
    )
    op.create_index('ix_claim_held', 'claim', ['brand_id', 'decided_at'], unique=False, postgresql_where=sa.text("decision = 'held'"))
    op.create_index('ix_claim_member', 'claim', ['member_id', 'decided_at'], unique=False)
    op.create_index('ix_claim_visitor', 'claim', ['visitor_id'], unique=False, postgresql_where=sa.text('member_id IS NULL'))
    op.create_table('claim_count',
    sa.Column('campaign_id', sa.BigInteger(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('claims', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_claim_count_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('campaign_id', 'person', 'day', name=op.f('pk_claim_count'))
    )
    op.create_table('code_order',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('layer', sa.String(), nullable=False),
    sa.Column('key_id', sa.BigInteger(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('lo', sa.BigInteger(), nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('lot', sa.String(), nullable=True),
    sa.Column('scheme', sa.String(), nullable=False),
    sa.Column('host', sa.String(), nullable=False),
    sa.Column('letter_case', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_code_order_brand_id_brand')),
    sa.ForeignKeyConstraint(['key_id'], ['signing_key.key_id'], name=op.f('fk_code_order_key_id_signing_key')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_code_order_product_id_product')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_code_order')),
    sa.UniqueConstraint('brand_id', 'external_id', name=op.f('uq_code_order_brand_id_external_id')),
    sa.UniqueConstraint('lo', name=op.f('uq_code_order_lo'))
    )
    op.create_table('finding',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('distributor_id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('region_code', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed_scans', sa.BigInteger(), nullable=False),
    sa.Column('off_scans', sa.BigInteger(), nullable=False),
    sa.Column('expected_scans', sa.Double(), nullable=False),
    sa.Column('log10_e_value', sa.Double(), nullable=False),
    sa.Column('coherent_cartons', sa.BigInteger(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_finding_brand_id_brand')),
    sa.ForeignKeyConstraint(['distributor_id'], ['distributor.id'], name=op.f('fk_finding_distributor_id_distributor')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_finding_product_id_product')),
    sa.ForeignKeyConstraint(['region_code'], ['region.code'], name=op.f('fk_finding_region_code_region')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding')),
    sa.UniqueConstraint('brand_id', 'distributor_id', 'product_id', 'region_code', name=op.f('uq_finding_brand_id_distributor_id_product_id_region_code'))
    )
    op.create_index(op.f('ix_finding_distributor_id'), 'finding', ['distributor_id'], unique=False)
    op.create_table('member_identity',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('subject_digest', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_subject', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_member_identity_brand_id_brand')),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_member_identity_member_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member_identity')),
    sa.UniqueConstraint('brand_id', 'provider', 'subject_digest', name=op.f('uq_member_identity_brand_id_provider_subject_digest'))
    )
    op.create_index(op.f('ix_member_identity_member_id'), 'member_identity', ['member_id'], unique=False)
    op.create_table('operator',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('distributor_id', sa.BigInteger(), nullable=True),
    sa.Column('login', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('session_epoch', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_operator_brand_id_brand')),
    sa.ForeignKeyConstraint(['distributor_id'], ['distributor.id'], name=op.f('fk_operator_distributor_id_distributor')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operator')),
    sa.UniqueConstraint('login', name=op.f('uq_operator_login'))
    )
    op.create_table('site',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('region_code', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=True),
    sa.Column('distributor_id', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_site_brand_id_brand')),
    sa.ForeignKeyConstraint(['distributor_id'], ['distributor.id'], name=op.f('fk_site_distributor_id_distributor')),
    sa.ForeignKeyConstraint(['region_code'], ['region.code'], name=op.f('fk_site_region_code_region')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site')),
    sa.UniqueConstraint('brand_id', 'code', name=op.f('uq_site_brand_id_code'))
    )
    op.create_table('territory',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('distributor_id', sa.BigInteger(), nullable=False),
    sa.Column('region_code', sa.String(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('channel', sa.String(), nullable=True),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_territory_brand_id_brand')),
    sa.ForeignKeyConstraint(['distributor_id'], ['distributor.id'], name=op.f('fk_territory_distributor_id_distributor')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_territory_product_id_product')),
    sa.ForeignKeyConstraint(['region_code'], ['region.code'], name=op.f('fk_territory_region_code_region')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_territory'))
    )
    op.create_index(op.f('ix_territory_brand_id'), 'territory', ['brand_id'], unique=False)
    op.create_index(op.f('ix_territory_distributor_id'), 'territory', ['distributor_id'], unique=False)
    op.create_table('visitor_binding',
    sa.Column('visitor_id', sa.Uuid(), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('bound_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_visitor_binding_brand_id_brand')),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_visitor_binding_member_id_member')),
    sa.PrimaryKeyConstraint('visitor_id', 'brand_id', name=op.f('pk_visitor_binding'))
    )
    op.create_index(op.f('ix_visitor_binding_member_id'), 'visitor_binding', ['member_id'], unique=False)
    op.create_table('code_range',
    sa.Column('lo', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('layer', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('lot', sa.String(), nullable=True),
    sa.Column('plant', sa.String(), nullable=True),
    sa.Column('produced_on', sa.Date(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('lo < hi', name=op.f('ck_code_range_not_empty')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_code_range_brand_id_brand')),
    sa.ForeignKeyConstraint(['order_id'], ['code_order.id'], name=op.f('fk_code_range_order_id_code_order')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_code_range_product_id_product')),
    sa.PrimaryKeyConstraint('lo', name=op.f('pk_code_range'))
    )
    op.create_index(op.f('ix_code_range_order_id'), 'code_range', ['order_id'], unique=False)
    op.create_table('finding_step',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('finding_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['finding_id'], ['finding.id'], name=op.f('fk_finding_step_finding_id_finding')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding_step'))
    )
    op.create_index(op.f('ix_finding_step_finding_id'), 'finding_step', ['finding_id'], unique=False)
    op.create_table('range_change',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('lo', sa.BigInteger(), nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_range_change_brand_id_brand')),
    sa.ForeignKeyConstraint(['order_id'], ['code_order.id'], name=op.f('fk_range_change_order_id_code_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_range_change'))
    )
    op.create_index(op.f('ix_range_change_order_id'), 'range_change', ['order_id'], unique=False)
    op.create_table('trace_event',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('biz_step', sa.String(), nullable=False),
    sa.Column('event_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('to_site_id', sa.BigInteger(), nullable=True),
    sa.Column('document', sa.String(), nullable=True),
    sa.Column('actor', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_trace_event_brand_id_brand')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_trace_event_site_id_site')),
    sa.ForeignKeyConstraint(['to_site_id'], ['site.id'], name=op.f('fk_trace_event_to_site_id_site')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trace_event')),
    sa.UniqueConstraint('brand_id', 'key', name=op.f('uq_trace_event_brand_id_key'))
    )
    op.create_table('transfer',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('debit_account_id', sa.BigInteger(), nullable=False),
    sa.Column('credit_account_id', sa.BigInteger(), nullable=False),
    sa.Column('points', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('code_id', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('points > 0', name=op.f('ck_transfer_moves_something')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_transfer_brand_id_brand')),
    sa.ForeignKeyConstraint(['credit_account_id'], ['account.id'], name=op.f('fk_transfer_credit_account_id_account')),
    sa.ForeignKeyConstraint(['debit_account_id'], ['account.id'], name=op.f('fk_transfer_debit_account_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transfer')),
    sa.UniqueConstraint('brand_id', 'key', name=op.f('uq_transfer_brand_id_key'))
    )
    op.create_index('ix_transfer_credit', 'transfer', ['credit_account_id', 'id'], unique=False)
    op.create_index('ix_transfer_debit', 'transfer', ['debit_account_id', 'id'], unique=False)
    op.create_table('carton',
    sa.Column('carton_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('sscc', sa.String(), nullable=True),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('packed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_carton_brand_id_brand')),
    sa.ForeignKeyConstraint(['event_id'], ['trace_event.id'], name=op.f('fk_carton_event_id_trace_event')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_carton_product_id_product')),
    sa.PrimaryKeyConstraint('carton_id', name=op.f('pk_carton')),
    sa.UniqueConstraint('brand_id', 'sscc', name=op.f('uq_carton_brand_id_sscc'))
    )
    op.create_table('custody',
    sa.Column('lo', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('disposition', sa.String(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('lo < hi', name=op.f('ck_custody_not_empty')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_custody_brand_id_brand')),
    sa.ForeignKeyConstraint(['event_id'], ['trace_event.id'], name=op.f('fk_custody_event_id_trace_event')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_custody_site_id_site')),
    sa.PrimaryKeyConstraint('lo', name=op.f('pk_custody'))
    )
    op.create_index(op.f('ix_custody_site_id'), 'custody', ['site_id'], unique=False)
    op.create_table('trace_event_range',
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('lo', sa.BigInteger(), nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['trace_event.id'], name=op.f('fk_trace_event_range_event_id_trace_event')),
    sa.PrimaryKeyConstraint('event_id', 'lo', name=op.f('pk_trace_event_range'))
    )
    op.create_index('ix_trace_event_range_codes', 'trace_event_range', [sa.literal_column('int8range(lo, hi)')], unique=False, postgresql_using='gist')
    op.create_table('packing',
    sa.Column('lo', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hi', sa.BigInteger(), nullable=False),
    sa.Column('brand_id', sa.BigInteger(), nullable=False),
    sa.Column('carton_id', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('lo < hi', name=op.f('ck_packing_not_empty')),
    sa.ForeignKeyConstraint(['brand_id'], ['brand.id'], name=op.f('fk_packing_brand_id_brand')),
    sa.ForeignKeyConstraint(['carton_id'], ['carton.carton_id'], name=op.f('fk_packing_carton_id_carton')),
    sa.PrimaryKeyConstraint('lo', name=op.f('pk_packing'))
    )
    op.create_index(op.f('ix_packing_carton_id'), 'packing', ['carton_id'], unique=False)
