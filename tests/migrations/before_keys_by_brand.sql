-- Two brands' data in the tables as they were before keys began with the brand. Each brand has 20
-- items in a carton of runs, 3 in blocks, 20 scans, 10 claims, and one of everything else.
INSERT INTO region (code, level, name_zh, name_en) VALUES ('330100', 'prefecture', '杭州', 'Hangzhou');
INSERT INTO brand (id, code, name_zh, name_en, created_at) OVERRIDING SYSTEM VALUE
    SELECT b, 'brand-' || b, '品牌', 'Brand', now() FROM generate_series(1, 2) AS b;
INSERT INTO distributor (id, brand_id, code, name, created_at) OVERRIDING SYSTEM VALUE
    SELECT 10 + b, b, 'D1', 'Dealer', now() FROM generate_series(1, 2) AS b;
INSERT INTO site (id, brand_id, code, name, kind, region_code, distributor_id)
    OVERRIDING SYSTEM VALUE
    SELECT 20 + b, b, 'S1', 'Shop', 'distributor', '330100', 10 + b FROM generate_series(1, 2) AS b;
INSERT INTO operator (id, brand_id, login, name, role, password_hash, session_epoch, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT 30 + b, b, 'mei' || b, 'Mei', 'brand_admin', '-', 0, now() FROM generate_series(1, 2) AS b;
INSERT INTO api_key (id, brand_id, name, prefix, secret_hash, created_at) OVERRIDING SYSTEM VALUE
    SELECT 40 + b, b, 'app', '0000000' || b, '\x00', now() FROM generate_series(1, 2) AS b;
INSERT INTO product (id, brand_id, gtin, name_zh, name_en, created_at) OVERRIDING SYSTEM VALUE
    SELECT 50 + b, b, '06901234000016', '青梅酒', 'Plum wine', now() FROM generate_series(1, 2) AS b;
INSERT INTO signing_key (key_id, brand_id, wrapped_secret, next_number, created_at)
    SELECT b, b, '\x00', 2000, now() FROM generate_series(1, 2) AS b;
INSERT INTO code_order (id, brand_id, external_id, fingerprint, layer, key_id, quantity, lo, hi,
                        product_id, scheme, host, letter_case, created_at) OVERRIDING SYSTEM VALUE
    SELECT 60 + b, b, 'PO-1', '-', 'item', b, 1000, b << 32, (b << 32) + 1000, 50 + b, 'https',
           'Q.EXAMPLE', 'upper', now()
    FROM generate_series(CAST(1 AS bigint), 2) AS b;
INSERT INTO code_range (lo, hi, brand_id, order_id, layer, state, product_id, changed_at)
    SELECT lo, hi, brand_id, id, layer, 'active', product_id, now() FROM code_order;
INSERT INTO range_change (brand_id, order_id, lo, hi, action, actor, at)
    SELECT brand_id, id, lo, hi, 'activate', 'mei', now() FROM code_order;
INSERT INTO member (id, brand_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT 70 + b, b, now() FROM generate_series(1, 2) AS b;
INSERT INTO member_identity (brand_id, member_id, provider, subject_digest, sealed_subject, created_at)
    SELECT brand_id, id, 'phone', '\x01', '\x02', now() FROM member;
INSERT INTO visitor_binding (visitor_id, brand_id, member_id, bound_at)
    SELECT CAST(lpad('1', 32, '0') AS uuid), brand_id, id, now() FROM member;
INSERT INTO one_time_code (brand_id, subject_digest, code_digest, sent_at, expires_at, attempts)
    SELECT brand_id, '\x01', '\x02', now(), now(), 0 FROM member;
INSERT INTO territory (brand_id, distributor_id, region_code, product_id, valid_from)
    SELECT b, 10 + b, '330100', 50 + b, now() FROM generate_series(1, 2) AS b;
INSERT INTO trace_event (id, brand_id, key, fingerprint, biz_step, event_time, recorded_at, site_id,
                         to_site_id, actor) OVERRIDING SYSTEM VALUE
    SELECT 80 + b, b, 'ship', '-', 'shipping', now(), now(), 20 + b, 20 + b, 'mei'
    FROM generate_series(1, 2) AS b;
INSERT INTO trace_event_range (event_id, lo, hi)
    SELECT 80 + brand_id, lo, lo + 20 FROM code_order;
INSERT INTO carton (carton_id, brand_id, product_id, quantity, event_id, packed_at, items)
    SELECT lo + 900 + n, brand_id, product_id, 20, 80 + brand_id, now(),
           CASE n WHEN 1 THEN ARRAY[lo + 30, lo + 40, lo + 50] END
    FROM code_order, generate_series(0, 1) AS n;
INSERT INTO packing (lo, hi, brand_id, carton_id) SELECT lo, lo + 20, brand_id, lo + 900 FROM code_order;
INSERT INTO packing_block (block, slots, cartons)
    SELECT (lo + 30) / 64, ARRAY[30, 40, 50], ARRAY[lo + 901, lo + 901, lo + 901] FROM code_order;
INSERT INTO custody (lo, hi, brand_id, site_id, disposition, event_id, since)
    SELECT lo + 900, lo + 902, brand_id, 20 + brand_id, 'in_progress', 80 + brand_id, now()
    FROM code_order;
INSERT INTO item (code_id, brand_id, first_at, first_visitor, scans, last_at, last_visitor)
    SELECT lo + n, brand_id, now(), gen_random_uuid(), 1, now(), gen_random_uuid()
    FROM code_order, generate_series(0, 19) AS n;
INSERT INTO scan (at, brand_id, code_id, visitor_id, outcome, verdict, door)
    SELECT first_at, brand_id, code_id, first_visitor, 'first', 'allow', 'page' FROM item;
INSERT INTO visitor_track (visitor_id, window_started_at, window_scans, last_at)
    SELECT first_visitor, now(), 1, now() FROM item;
INSERT INTO sighting (code_id, brand_id, at, visitor_id, carton_id, resolved_at)
    SELECT code_id, brand_id, first_at, first_visitor, code_id / 1000, now() FROM item;
INSERT INTO campaign (id, brand_id, name_zh, name_en, points, starts_at, budget_points, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT 90 + b, b, '积分', 'Points', 5, now(), 1000, now() FROM generate_series(1, 2) AS b;
INSERT INTO campaign_budget (campaign_id, reserved_points) SELECT id, 50 FROM campaign;
INSERT INTO claim (code_id, brand_id, campaign_id, visitor_id, member_id, points, decision, decided_at)
    SELECT lo + n, brand_id, 90 + brand_id, gen_random_uuid(), 70 + brand_id, 5, 'granted', now()
    FROM code_order, generate_series(0, 9) AS n;
INSERT INTO claim_refusal (at, brand_id, code_id, visitor_id, reason)
    SELECT now(), brand_id, lo, gen_random_uuid(), 'taken' FROM code_order;
INSERT INTO claim_count (campaign_id, person, day, claims)
    SELECT id, 'm:' || (70 + brand_id), current_date, 10 FROM campaign;
INSERT INTO account (id, brand_id, kind, member_id, balance) OVERRIDING SYSTEM VALUE
    SELECT 100 + b, b, 'issuing', NULL, 0 FROM generate_series(1, 2) AS b
    UNION ALL SELECT 110 + b, b, 'member', 70 + b, 50 FROM generate_series(1, 2) AS b;
INSERT INTO transfer (brand_id, key, debit_account_id, credit_account_id, points, reason, code_id, at)
    SELECT brand_id, 'claim:' || code_id, 100 + brand_id, 110 + brand_id, 5, 'claim', code_id, now()
    FROM claim;
INSERT INTO finding (id, brand_id, distributor_id, product_id, region_code, status, opened_at,
                     updated_at, placed_scans, off_scans, expected_scans, log10_e_value,
                     coherent_cartons, evidence) OVERRIDING SYSTEM VALUE
    SELECT 120 + b, b, 10 + b, 50 + b, '330100', 'open', now(), now(), 9, 8, 0.1, 9, 1, '{}'
    FROM generate_series(1, 2) AS b;
INSERT INTO finding_step (finding_id, at, actor, action, text)
    SELECT id, now(), 'yima', 'opened', '-' FROM finding;
