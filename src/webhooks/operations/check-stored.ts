// Finds the subscriptions whose stored query a GraphQL schema breaks or deprecates, and those whose topic the host no longer announces.
import { type GraphQLSchema, NoDeprecatedCustomRule, parse, validate } from 'graphql';
import type { Engine } from '../base/engine.js';
import { announcedNode } from '../base/own-node.js';
import { emptyPaths, lostFields } from '../base/query/lost-fields.js';
import { checkQuery } from '../base/query/query.js';
import type { Step } from '../base/templates/rendering.mjs';

export interface StoredFinding {
  subscriptionId: string;
  version: number;
  name: string | null;
  tenant: string;
  owner: string;
  topic: string;
  /**
   * `BROKEN`: the query can't run. `DEPRECATED`: the query runs, and selects deprecated fields. `RETIRED`: the topic emits no more
   * events.
   */
  kind: 'BROKEN' | 'DEPRECATED' | 'RETIRED';
  message: string;
  /** Number of deliveries created within the last seven days. */
  recentDeliveries: number;
  /** Paths such as `data.order.lines.sku` that the templates read and that become empty once the removed or deprecated fields are gone. */
  emptyPaths: string[];
}

interface Stored {
  id: string;
  version: number;
  name: string | null;
  tenant: string;
  owner: string;
  topic: string;
  typename: string;
  retired: boolean;
  query: string | null;
  templates: string[] | null;
}

/** Subscriptions read per page, so that a long check doesn't load all of them at once. */
const CHUNK = 100;

const STORED = `
  SELECT s.id, s.version, s.name, s.tenant, s.owner, t.key AS topic, t.typename, t.retired_at IS NOT NULL AS retired, v.definition ->> 'query' AS query,
    array_remove(ARRAY[v.definition ->> 'validationTemplate', v.definition ->> 'template', v.definition ->> 'errorTemplate'], NULL) AS templates
  FROM hookgraph.subscriptions s
  JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version
  JOIN hookgraph.topics t ON t.id = s.topic_id
  WHERE s.deleted_at IS NULL AND s.id > $1 ORDER BY s.id LIMIT ${CHUNK}`;

const RECENT = `
  SELECT subscription_id AS id, count(*)::int AS count FROM hookgraph.deliveries
  WHERE subscription_id = ANY ($1::uuid[]) AND created_at > now() - interval '7 days' GROUP BY subscription_id`;

export async function checkStored(engine: Engine, schema: GraphQLSchema): Promise<StoredFinding[]> {
  const findings: StoredFinding[] = [];
  const known = new Map<string, Pick<StoredFinding, 'kind' | 'message'> | null>();
  for await (const stored of everyStored(engine)) {
    const key = `${stored.topic}\n${stored.query}`;
    const judged = stored.retired
      ? { kind: 'RETIRED' as const, message: retiredMessage(stored.topic) }
      : known.has(key)
        ? (known.get(key) ?? null)
        : judge(engine, schema, stored);
    if (!stored.retired) known.set(key, judged);
    const { id: subscriptionId, version, name, tenant, owner, topic } = stored;
    if (!judged) continue;
    const emptyPaths = stored.retired ? [] : await emptied(engine, schema, stored);
    findings.push({ subscriptionId, version, name, tenant, owner, topic, ...judged, recentDeliveries: 0, emptyPaths });
  }
  const { rows } = await engine.pool.query<{ id: string; count: number }>(RECENT, [findings.map(({ subscriptionId }) => subscriptionId)]);
  const recent = new Map(rows.map(({ id, count }) => [id, count]));
  return findings.map((finding) => ({ ...finding, recentDeliveries: recent.get(finding.subscriptionId) ?? 0 }));
}

const retiredMessage = (topic: string): string => `The topic ${topic} is no longer announced.`;

async function* everyStored({ pool }: Engine): AsyncGenerator<Stored> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const { rows } = await pool.query<Stored>(STORED, [after]);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < CHUNK) return;
    after = last.id;
  }
}

async function emptied(engine: Engine, schema: GraphQLSchema, { id, tenant, query, templates }: Stored): Promise<string[]> {
  if (query === null || !templates || templates.length === 0) return [];
  const lost = lostFieldsOf(schema, query);
  if (lost.length === 0) return [];
  const steps = templates.map((source): Step => ({ source, style: 'none', isStored: true, ask: 'paths' }));
  const results = await engine.renderer.render({ tenant, key: id }, { data: '{}' }, steps);
  // A template that can no longer be parsed reads no known paths, so it is left out.
  return emptyPaths(
    lost,
    results.flatMap((result) => ('fault' in result ? [] : (JSON.parse(result.text) as string[][]))),
  );
}

function lostFieldsOf(schema: GraphQLSchema, query: string): string[][] {
  try {
    return lostFields(schema, parse(query));
  } catch {
    return [];
  }
}

function judge({ host, settings }: Engine, schema: GraphQLSchema, { query, typename, topic }: Stored) {
  if (query === null) return null;
  const about = { node: announcedNode(host, typename), topicKey: topic, pageArguments: host.pageArguments };
  const checked = checkQuery(schema, query, settings.queryLimits, about);
  const joined = (problems: readonly { message: string }[]) => problems.map(({ message }) => message).join('\n');
  if (checked.problems) return { kind: 'BROKEN' as const, message: joined(checked.problems) };
  const deprecated = validate(schema, checked.document, [NoDeprecatedCustomRule]);
  return deprecated.length > 0 ? { kind: 'DEPRECATED' as const, message: joined(deprecated) } : null;
}
