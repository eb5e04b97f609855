// Does what users do with a running product: creates users by the mutation, creates tokens, reads deliveries through
// the API.
import { createHash, randomUUID } from 'node:crypto';
import type { RunningProduct } from './product.js';
import { until } from './until.js';

/** Creates a user by the guide's mutation. Throws the mutation's errors. */
export async function createUser(product: RunningProduct, user: object = {}, token?: string): Promise<{ id: string; databaseId: string }> {
  const unique = randomUUID();
  const { createUser: payload } = await product.graphql(
    'mutation ($user: UserInput) { createUser(user: $user) { errors { field message } user { id databaseId } } }',
    { user: { firstName: 'Some', lastName: 'Body', username: unique, email: `${unique}@example.org`, ...user } },
    token,
  );
  if (payload.errors.length > 0) throw new Error(JSON.stringify(payload.errors));
  return payload.user;
}

/** Makes a token for the user with this address, as an operator would. */
export async function addToken({ pool }: RunningProduct, email: string): Promise<string> {
  const token = `token-${randomUUID()}`;
  const { rowCount } = await pool.query(
    `INSERT INTO api_tokens (user_id, name, token_hash) SELECT id, 'test', $2 FROM users WHERE email = $1`,
    [email, createHash('sha256').update(token).digest('hex')],
  );
  if (rowCount !== 1) throw new Error(`There is no user with the address ${email}`);
  return token;
}

export async function organizationId({ pool }: RunningProduct, permalink = 'acme'): Promise<string> {
  const { rows } = await pool.query('SELECT id FROM organizations WHERE permalink = $1', [permalink]);
  return rows[0].id;
}

/** Resolves when every event has been relayed and every delivery tried, so a missing notification won't come later. */
export async function untilSettled({ pool }: RunningProduct, timeoutMs = 10_000): Promise<void> {
  const open = `SELECT 1 FROM hookgraph.captures UNION ALL SELECT 1 FROM hookgraph.deliveries WHERE state = 'PENDING' LIMIT 1`;
  await until('nothing is under way', async () => (await pool.query(open)).rowCount === 0, { timeoutMs });
}

export interface ToldDelivery {
  id: string;
  databaseId: string;
  state: string;
  reason: string | null;
  nodeId: string;
  nextAttemptAt: string | null;
  attempts: ToldAttempt[];
}

export interface ToldAttempt {
  id: string;
  number: number;
  subscriptionVersion: number;
  startedAt: string;
  durationMs: number;
  outcome: string;
  stage: string | null;
  message: string | null;
  timings: Record<string, number> | null;
  request: { url: string; headers: Record<string, string>; body: string } | null;
  response: { status: number; headers: Record<string, string>; body: string } | null;
}

/**
 * Waits until `count` deliveries of a subscription were tried. Returns all of the subscription's deliveries as its
 * owner reads them, newest first.
 */
export async function triedDeliveries(product: RunningProduct, id: string, count: number, token?: string): Promise<ToldDelivery[]> {
  return until(`${count} deliveries were tried`, async () => {
    const { webhookDeliveries } = await product.graphql(DELIVERIES, { id }, token);
    const nodes = webhookDeliveries.nodes as ToldDelivery[];
    return nodes.length >= count && nodes.every(({ state }) => state !== 'PENDING') ? nodes : null;
  });
}

const DELIVERIES = `query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id, first: 100) { nodes {
  id databaseId state reason nodeId nextAttemptAt attempts {
    id number subscriptionVersion startedAt durationMs outcome stage message timings request { url headers body } response { status headers body } } } } }`;
