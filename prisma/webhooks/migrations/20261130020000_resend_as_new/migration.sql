-- Adds the kind RESEND: a delivery that a user sends again as new. The rows are not checked, because all of them have an older kind.
ALTER TABLE hookgraph.deliveries
  DROP CONSTRAINT deliveries_kind_check,
  ADD CONSTRAINT deliveries_kind_check CHECK (kind IN ('LIVE', 'TEST', 'REPLAY', 'RESEND', 'SNAPSHOT', 'BEFORE')) NOT VALID;
