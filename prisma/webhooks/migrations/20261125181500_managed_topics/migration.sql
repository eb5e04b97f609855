-- SNS topics that are ours, from before they are made until after they are deleted: a process that dies in between leaves
-- a row that says what is still to be done.
CREATE TABLE hookgraph.managed_topics (
  arn text PRIMARY KEY,
  subscription_id uuid NOT NULL,
  -- Counts the saves: whoever did what an older one asked for doesn't take it for done.
  generation integer NOT NULL DEFAULT 1,
  pending boolean NOT NULL DEFAULT true,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX managed_topics_pending ON hookgraph.managed_topics (due_at) WHERE pending;
