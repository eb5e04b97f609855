-- Paces: a subscription whose receiver is slowed, probed or limited by its owner has a row here, and `paced` set. No other one is touched.

CREATE TABLE hookgraph.paces (
  subscription_id uuid PRIMARY KEY REFERENCES hookgraph.subscriptions (id),
  -- LIMITED: by its owner alone. SLOWED: at a pace that is being found. PROBING: one delivery at a time, with growing pauses.
  state text NOT NULL CHECK (state IN ('LIMITED', 'SLOWED', 'PROBING')),
  -- What is being found; null: as much as its owner's limit allows.
  per_second double precision CHECK (per_second > 0),
  -- The pace that was too much for the receiver the last time.
  ceiling double precision CHECK (ceiling > 0),
  -- Nothing begins before.
  resume_at timestamptz(3) NOT NULL DEFAULT now(),
  -- When the receiver asked for less the last time.
  told_at timestamptz(3),
  -- Failed probes since it worked for a minute.
  failures integer NOT NULL DEFAULT 0,
  -- The state's beginning.
  since timestamptz(3) NOT NULL DEFAULT now(),
  -- When `per_second` last changed.
  changed_at timestamptz(3) NOT NULL DEFAULT now(),
  -- Deliveries that may begin at once, as of `refilled_at`.
  allowance double precision NOT NULL DEFAULT 1,
  refilled_at timestamptz(3) NOT NULL DEFAULT now(),
  -- Of its owner; null: none.
  limit_per_second double precision CHECK (limit_per_second > 0),
  limit_concurrency integer CHECK (limit_concurrency > 0)
);

-- Whether there is a row in paces: a claim reads the subscription anyway.
ALTER TABLE hookgraph.subscriptions ADD COLUMN paced boolean NOT NULL DEFAULT false;

-- Whether a failure counts for the rule of errors within an hour. It doesn't where the receiver asked to slow down, or where the circuit
-- opened while the attempt was under way.
ALTER TABLE hookgraph.attempts ADD COLUMN counted boolean NOT NULL DEFAULT true;
DROP INDEX hookgraph.attempts_failed;
CREATE INDEX attempts_failed ON hookgraph.attempts (subscription_id, id) WHERE outcome = 'FAILED' AND NOT test AND counted;
