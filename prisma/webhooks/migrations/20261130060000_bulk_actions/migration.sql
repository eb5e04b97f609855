-- Actions of a user on many deliveries or errors that match a filter. Workers carry them out in steps: base/store/bulk-actions.ts.
CREATE TABLE hookgraph.bulk_actions (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  tenant text NOT NULL,
  owner text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('RESEND', 'RESEND_AS_NEW', 'DELETE_ERRORS')),
  filter jsonb NOT NULL,
  -- Rows with greater ids did not exist when the action was started.
  until_id bigint NOT NULL,
  state text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE', 'CANCELLED')),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX bulk_actions_of_owner ON hookgraph.bulk_actions (tenant, owner, id);
CREATE INDEX bulk_actions_running ON hookgraph.bulk_actions (id) WHERE state = 'RUNNING';

-- The rows of an action that belong to one subscription.
CREATE TABLE hookgraph.bulk_action_parts (
  action_id bigint NOT NULL REFERENCES hookgraph.bulk_actions (id),
  subscription_id uuid NOT NULL REFERENCES hookgraph.subscriptions (id),
  -- The number of rows that matched when the action was started, and of rows that were changed so far.
  total integer NOT NULL,
  done integer NOT NULL DEFAULT 0,
  -- The id of the last row that was looked at. It moves in the transaction that changes the rows.
  position bigint NOT NULL,
  is_ended boolean NOT NULL DEFAULT false,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (action_id, subscription_id)
);

-- NOT VALID: rows that exist satisfy the narrower condition of before, so Postgres need not read them.
ALTER TABLE hookgraph.audit_log DROP CONSTRAINT audit_log_action_check;
ALTER TABLE hookgraph.audit_log ADD CONSTRAINT audit_log_action_check CHECK (action IN ('CREATED', 'UPDATED', 'ENABLED', 'DISABLED', 'DELETED',
  'TESTED', 'RESENT', 'RELEASED', 'REPLAYED', 'REPLAY_CANCELLED', 'HELD', 'RESTORED', 'ERRORS_DELETED', 'BULK_ACTION_CANCELLED')) NOT VALID;
