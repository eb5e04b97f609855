// Creates groups through the API, which calls a before-hook of each organization. The hook refuses groups whose name says so.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { pick, type Random } from './random.js';
import type { Organization, World } from './world.js';

export interface GatedWriters {
  /** The names of the groups that the API reported as created. */
  created: Set<string>;
  pause(): Promise<void>;
  resume(): void;
}

const CREATE = 'mutation ($name: String) { createGroup(group: { name: $name }) { errors { type } group { id } } }';
const PAUSE_MS = 100;
const TIMEOUT_MS = 10_000;

export function startGatedWriters(world: Pick<World, 'organizations' | 'api'>, random: Random): GatedWriters {
  let isPaused = true;
  let running = Promise.resolve();
  const created = new Set<string>();

  async function write(organization: Organization): Promise<void> {
    const name = `${organization.name} ${random(3) === 0 ? 'refused' : 'allowed'} ${randomUUID()}`;
    const response = await fetch(`${world.api.url}/api/v3/graphql`, {
      method: 'POST',
      headers: { authorization: `Token token=${organization.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: CREATE, variables: { name } }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = (await response.json()) as { data?: { createGroup: { group: object | null } | null } | null };
    if (answer.data?.createGroup?.group) created.add(name);
  }
  async function run(): Promise<void> {
    while (!isPaused) {
      await write(pick(random, world.organizations)).catch(() => {});
      await wait(PAUSE_MS);
    }
  }
  return {
    created,
    async pause() {
      isPaused = true;
      await running;
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      running = run();
    },
  };
}

const GROUPS = `
  SELECT g.name, EXISTS (SELECT FROM hookgraph.deliveries d WHERE d.kind = 'BEFORE' AND d.typename = 'Group' AND d.node_key = g.id::text
    AND d.state = 'DELIVERED' AND d.reason IS NULL) AS "isRecorded"
  FROM groups g JOIN organizations o ON o.id = g.organization_id WHERE o.permalink LIKE 'chaos-%'`;

/** Returns violations of the promises about before-hooks, each as a sentence. `allowed`: the names that the receiver has allowed. */
export async function checkGates(pool: pg.Pool, { created }: GatedWriters, allowed: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; isRecorded: boolean }>(GROUPS);
  const names = new Set(rows.map(({ name }) => name));
  return [
    ['rows that their before-hook did not allow', rows.filter(({ name }) => !allowed.has(name))],
    ['rows without a record that their before-hook allowed them', rows.filter(({ isRecorded }) => !isRecorded)],
    ['created rows that do not exist', [...created].filter((name) => !names.has(name))],
  ].flatMap(([what, found]) => (found && found.length > 0 ? [`${what}: ${found.length}, e.g. ${JSON.stringify(found.slice(0, 3))}`] : []));
}
