-- What of an attempt was kept back or masked, where its subscription asks for that: {"request": {"bytes", "omitted"}, "response": …}.
-- Null of nearly all: then bodies are as they were.
ALTER TABLE hookgraph.attempts ADD COLUMN recording jsonb;
