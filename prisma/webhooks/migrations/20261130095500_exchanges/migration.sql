-- Requests and responses of attempts, 32 in a row, compressed by the worker: base/store/exchanges.ts has the format. Rows of before keep
-- theirs in `attempts`; readers understand both. The columns are nullable, so no statement here reads or writes a row.
CREATE TABLE hookgraph.exchanges (
  id bigint NOT NULL DEFAULT hookgraph.next_id(),
  -- Whether the attempts failed or were held: these are kept longer.
  is_error boolean NOT NULL,
  entries bytea NOT NULL,
  PRIMARY KEY (is_error, id)
) PARTITION BY LIST (is_error);
ALTER TABLE hookgraph.exchanges ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE TABLE hookgraph.exchanges_of_errors PARTITION OF hookgraph.exchanges FOR VALUES IN (true) PARTITION BY RANGE (id);
CREATE TABLE hookgraph.exchanges_of_others PARTITION OF hookgraph.exchanges FOR VALUES IN (false) PARTITION BY RANGE (id);
CREATE TABLE hookgraph.exchanges_of_errors_default PARTITION OF hookgraph.exchanges_of_errors DEFAULT;
CREATE TABLE hookgraph.exchanges_of_others_default PARTITION OF hookgraph.exchanges_of_others DEFAULT;

ALTER TABLE hookgraph.attempts
  ADD COLUMN exchange_id bigint,
  -- The position of the attempt in `exchanges.entries`, counted from 0.
  ADD COLUMN place smallint,
  -- The durations of the stages, in microseconds.
  ADD COLUMN query_us integer,
  ADD COLUMN render_us integer,
  ADD COLUMN auth_us integer,
  ADD COLUMN send_us integer,
  ADD COLUMN first_byte_us integer;

-- As before, for the exchanges, too, in partitions of a day.
CREATE OR REPLACE FUNCTION hookgraph.ensure_partitions() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE parent text; unit text; start timestamptz; lower_id bigint; upper_id bigint; child text; held boolean; made integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('hookgraph.ensure_partitions')) THEN RETURN 0; END IF;
  FOREACH parent IN ARRAY ARRAY['events', 'attempts', 'exchanges_of_errors', 'exchanges_of_others'] LOOP
    unit := CASE WHEN parent LIKE 'exchanges%' THEN 'day' ELSE 'week' END;
    FOR i IN 0..CASE unit WHEN 'day' THEN 7 ELSE 3 END LOOP
      start := date_trunc(unit, now(), 'UTC') + i * ('1 ' || unit)::interval;
      lower_id := hookgraph.id_at(start);
      upper_id := hookgraph.id_at(start + ('1 ' || unit)::interval);
      child := parent || '_' || to_char(start AT TIME ZONE 'UTC', 'YYYYMMDD');
      CONTINUE WHEN to_regclass(format('hookgraph.%I', child)) IS NOT NULL;
      BEGIN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM hookgraph.%I WHERE id >= %s AND id < %s)', parent || '_default', lower_id, upper_id) INTO held;
        CONTINUE WHEN held;
        EXECUTE format('CREATE TABLE hookgraph.%I (LIKE hookgraph.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', child, parent);
        EXECUTE format('ALTER TABLE hookgraph.%I ATTACH PARTITION hookgraph.%I FOR VALUES FROM (%s) TO (%s)', parent, child, lower_id, upper_id);
        made := made + 1;
      EXCEPTION WHEN lock_not_available OR check_violation THEN
        EXIT;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
