-- Two organisations. Ada owns the first and is a member of the second, which Eve owns.
INSERT INTO organisations (id, name) VALUES
  ('00000000-0000-4000-8000-000000000001', 'Harbour Rooms'), ('00000000-0000-4000-8000-000000000002', 'Attic Studios');
INSERT INTO "user" (email, "group") VALUES ('ada@example.com', 'front desk'), ('eve@example.com', NULL);
INSERT INTO memberships (organisation_id, user_id, role, api_key) VALUES
  ('00000000-0000-4000-8000-000000000001', 1, 'owner', 'key-of-ada'),
  ('00000000-0000-4000-8000-000000000002', 1, 'member', 'key-of-ada-in-the-attic'),
  ('00000000-0000-4000-8000-000000000002', 2, 'owner', 'key-of-eve');
INSERT INTO spaces (organisation_id, name, "order", hourly_rate, equipment) VALUES
  ('00000000-0000-4000-8000-000000000001', 'Lighthouse', 1, 49.90, '{"projector": true, "chairs": 12}'),
  ('00000000-0000-4000-8000-000000000002', 'Loft', 1, 30, '{}');
INSERT INTO slots (space_id, starts_at) VALUES (1, '2027-01-04 09:00Z'), (1, '2027-01-04 10:00Z'), (2, '2027-01-04 09:00Z');
INSERT INTO invoices (organisation_id, cents) VALUES ('00000000-0000-4000-8000-000000000001', 4990);
