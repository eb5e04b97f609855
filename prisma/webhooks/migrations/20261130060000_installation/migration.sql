-- The public address of the API, which the workers read; one row. is_configured: whether an operator chose it.
CREATE TABLE hookgraph.installation (
  id integer PRIMARY KEY CHECK (id = 1),
  base_url text NOT NULL,
  domain text NOT NULL,
  is_configured boolean NOT NULL
);
