-- Since when a receiver slows a subscription down, and one column that says how the subscription is: the topics webhook_subscription/slowed
-- and /recovered watch it. The generated column rewrites the table of subscriptions, which takes about a second for 100,000 of them;
-- meanwhile workers and saves wait, and no writer of a customer does.
ALTER TABLE hookgraph.subscriptions
  ADD COLUMN slowed_at timestamptz(3),
  ADD COLUMN slowed_reason text,
  ADD COLUMN health text NOT NULL GENERATED ALWAYS AS (
    CASE
      WHEN deleted_at IS NOT NULL THEN 'DELETED'
      WHEN disabled_at IS NOT NULL THEN 'DISABLED'
      WHEN broken_at IS NOT NULL THEN 'HELD'
      WHEN slowed_at IS NOT NULL THEN 'SLOWED'
      ELSE 'WORKING'
    END) STORED;
