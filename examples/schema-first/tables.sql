-- A helpdesk that knows nothing of Hookgraph.
CREATE TABLE workspaces (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE agents (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, workspace_id uuid NOT NULL REFERENCES workspaces,
  name text NOT NULL, token text NOT NULL UNIQUE, is_admin boolean NOT NULL DEFAULT false);
CREATE TABLE tickets (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, workspace_id uuid NOT NULL REFERENCES workspaces,
  subject text NOT NULL, status text NOT NULL DEFAULT 'open', internal_note text);
CREATE TABLE comments (ticket_id int NOT NULL REFERENCES tickets ON DELETE CASCADE, number int NOT NULL, body text NOT NULL,
  PRIMARY KEY (ticket_id, number));
INSERT INTO workspaces VALUES ('00000000-0000-4000-8000-000000000001', 'Acme'), ('00000000-0000-4000-8000-000000000002', 'Other');
INSERT INTO agents (workspace_id, name, token, is_admin) VALUES
  ('00000000-0000-4000-8000-000000000001', 'Ada', 'token-of-ada', true), ('00000000-0000-4000-8000-000000000002', 'Eve', 'token-of-eve', true);
