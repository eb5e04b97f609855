-- A shared secret that was replaced stays, sealed like the others, as `sharedSecret@<its last version>` until its overlap ends.
ALTER TABLE hookgraph.secrets ADD COLUMN expires_at timestamptz(3);
CREATE INDEX secrets_expiring ON hookgraph.secrets (expires_at) WHERE expires_at IS NOT NULL;
