// Derives topics, the events that can be subscribed to, from the announced nodes, and stores them.
import type { Pool, PoolClient } from 'pg';
import pg from 'pg';
import { withArticle } from '../../runtime/article.js';
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode, Operation } from '../base/model.js';

/** Version of every topic that is currently announced. */
const TOPIC_VERSION = '1.1';

export interface TopicRow {
  key: string;
  version: string;
  typename: string;
  operation: Operation;
  /**
   * Set only for a lifecycle topic, which watches one column: a change of this column from `from_value` (`null`: from any other value) to
   * `to_value` is an event of the topic.
   */
  column_name: string | null;
  from_value: string | null;
  to_value: string | null;
  description: string;
}

const OPERATIONS: Record<Operation, (typename: string) => string> = {
  created: (typename) => `${capitalized(withArticle(typename))} was created.`,
  updated: (typename) => `An attribute of ${withArticle(typename)} changed.`,
  deleted: (typename) => `${capitalized(withArticle(typename))} was deleted.`,
};

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Converts `ScenarioSession` to `scenario_session`. */
function snakeCase(typename: string): string {
  return typename
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
}

/** Returns the topics of the announced nodes. @throws WebhooksError TOPIC_ANNOUNCED_TWICE, LIFECYCLE_COLUMN_NOT_ANNOUNCED */
export function topicsOf(nodes: AnnouncedNode[]): TopicRow[] {
  const topics = nodes.flatMap((node) => [...operationTopics(node), ...lifecycleTopics(node)]);
  const seen = new Map<string, TopicRow>();
  for (const topic of topics) {
    const other = seen.get(topic.key);
    if (other) {
      throw new WebhooksError(
        'TOPIC_ANNOUNCED_TWICE',
        `The types ${other.typename} and ${topic.typename} both announce the topic "${topic.key}".`,
        'Give one of the types another `topic`.',
      );
    }
    seen.set(topic.key, topic);
  }
  return topics;
}

function operationTopics({ typename, topic, operations }: AnnouncedNode): TopicRow[] {
  const prefix = topic ?? snakeCase(typename);
  const announced = operations ?? (Object.keys(OPERATIONS) as Operation[]);
  return announced.map((operation) => ({
    key: `${prefix}/${operation}`,
    version: TOPIC_VERSION,
    typename,
    operation,
    column_name: null,
    from_value: null,
    to_value: null,
    description: OPERATIONS[operation](typename),
  }));
}

function lifecycleTopics({ typename, columns, lifecycle = [] }: AnnouncedNode): TopicRow[] {
  return lifecycle.map(({ topic, column, from, to, description }) => {
    const field = columns[column];
    if (field === undefined) {
      throw new WebhooksError(
        'LIFECYCLE_COLUMN_NOT_ANNOUNCED',
        `The topic "${topic}" watches the column "${column}", which ${typename} doesn't announce.`,
        `Add the column to the announced columns of ${typename}.`,
      );
    }
    return {
      key: topic,
      version: TOPIC_VERSION,
      typename,
      operation: 'updated',
      column_name: column,
      from_value: from ?? null,
      to_value: to,
      description: description ?? `The ${field} of ${withArticle(typename)} changed ${from === undefined ? '' : `from ${from} `}to ${to}.`,
    };
  });
}

/**
 * Stores the announced topics, and marks topics that are no longer announced as retired. Returns how many rows of each it changed. Safe to
 * run concurrently.
 */
export async function syncTopics(db: Pool | PoolClient, nodes: AnnouncedNode[]): Promise<{ saved: number; retired: number }> {
  const { rows } = await db.query<{ saved: number; retired: number }>(SYNC_TOPICS, [JSON.stringify(topicsOf(nodes))]);
  return rows[0] as { saved: number; retired: number };
}

/**
 * Returns the statement that `syncTopics` would run; `null` when nothing would change.
 * @param hasTable whether the table of topics exists
 */
export async function planTopics(
  db: Pool | PoolClient,
  nodes: AnnouncedNode[],
  { hasTable }: { hasTable: boolean },
): Promise<string | null> {
  const announced = topicsOf(nodes);
  const stored = hasTable ? (await db.query<TopicRow>(ANNOUNCED_TOPICS)).rows : [];
  const lines = (topics: TopicRow[]) => topics.map((topic) => JSON.stringify(COLUMNS.map((column) => topic[column]))).sort();
  if (lines(stored).join('\n') === lines(announced).join('\n')) return null;
  return SYNC_TOPICS.trim().replace('$1', () => pg.escapeLiteral(JSON.stringify(announced)));
}

const COLUMNS = ['key', 'version', 'typename', 'operation', 'column_name', 'from_value', 'to_value', 'description'] as const;

const ANNOUNCED_TOPICS = `SELECT ${COLUMNS.join(', ')} FROM hookgraph.topics WHERE retired_at IS NULL`;

// The advisory lock serializes processes that announce different topics. Unchanged rows are not written.
const SYNC_TOPICS = `
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('hookgraph.topics', 0)) AS is_locked),
announced AS MATERIALIZED (
  SELECT a.* FROM locked CROSS JOIN jsonb_to_recordset($1::jsonb) AS a (key text, version text, typename text, operation text,
    column_name text, from_value text, to_value text, description text)),
saved AS (
  INSERT INTO hookgraph.topics AS t (key, version, typename, operation, column_name, from_value, to_value, description)
  SELECT key, version, typename, operation, column_name, from_value, to_value, description FROM announced ORDER BY key, version
  ON CONFLICT (key, version) DO UPDATE SET typename = EXCLUDED.typename, operation = EXCLUDED.operation,
    column_name = EXCLUDED.column_name, from_value = EXCLUDED.from_value, to_value = EXCLUDED.to_value,
    description = EXCLUDED.description, retired_at = NULL, updated_at = now()
  WHERE (t.typename, t.operation, t.column_name, t.from_value, t.to_value, t.description, t.retired_at)
    IS DISTINCT FROM (EXCLUDED.typename, EXCLUDED.operation, EXCLUDED.column_name, EXCLUDED.from_value, EXCLUDED.to_value,
      EXCLUDED.description, NULL::timestamptz)
  RETURNING 1),
retired AS (
  UPDATE hookgraph.topics t SET retired_at = now(), updated_at = now()
  WHERE t.retired_at IS NULL AND NOT EXISTS (SELECT 1 FROM announced a WHERE a.key = t.key AND a.version = t.version)
  RETURNING 1)
SELECT (SELECT count(*) FROM saved)::int AS saved, (SELECT count(*) FROM retired)::int AS retired`;
