-- Stands in the FROM of a write's own statement: tells the write's cause to capture, and refuses where a before-hook may concern it.
-- So a write that no hook concerns is one message, and no hook that was there before it is passed over. Whatever the write's operation
-- is: who is refused here asks more precisely (gate/find-hooks). The first probe is all that a tenant without hooks pays.
-- No SET of its own: what it sets is the transaction's.
CREATE FUNCTION hookgraph.announce(context text, tenant text, typename text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('hookgraph.context', context, true);
  IF EXISTS (SELECT FROM hookgraph.subscriptions s WHERE s.phase = 'BEFORE' AND s.deleted_at IS NULL AND s.tenant = announce.tenant)
    AND EXISTS (
      SELECT FROM hookgraph.subscriptions s
      JOIN hookgraph.topics t ON t.id = s.topic_id AND t.typename = announce.typename AND t.column_name IS NULL AND t.retired_at IS NULL
      WHERE s.phase = 'BEFORE' AND s.deleted_at IS NULL AND s.tenant = announce.tenant AND s.status IN ('ENABLED', 'HELD'))
  THEN
    RAISE EXCEPTION 'before-hooks are to be asked first' USING ERRCODE = 'WH001';
  END IF;
END $$;
