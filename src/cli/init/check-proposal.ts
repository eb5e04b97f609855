// Checks the tables that init proposes to announce: calls createHookgraph() with them, and returns the problems it finds and
// the SQL that `hookgraph migrate` would run.
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { createHookgraph, type Hookgraph } from '../../index.js';
import { createPlainLog } from '../../runtime/plain-log.js';
import { poolSource } from '../../sources/pool-source.js';
import type { PlannedStatement } from '../../webhooks/index.js';
import type { Inspection } from './inspect.js';
import { type Proposal, tablesOf } from './propose.js';

export interface CheckedProposal {
  /** The prefix of Hookgraph's GraphQL names; absent unless a name collides with a name in the host's schema. */
  prefix?: string;
  problems: string[];
  statements: PlannedStatement[];
}

export async function checkProposal(
  pool: Pool,
  proposal: Proposal,
  inspection: Inspection,
  projectName: string | null,
): Promise<CheckedProposal> {
  let failure = '';
  for (const prefix of [undefined, prefixOf(projectName)]) {
    const hooks = attempt(() => open(pool, proposal, inspection, prefix));
    if (hooks instanceof Error) {
      failure = hooks.message;
      if ((hooks as { code?: string }).code === 'SCHEMA_COLLISION') continue;
      break;
    }
    try {
      const isCollision = await hooks.ready().then(
        () => false,
        (error: { code?: string; message: string }) => {
          failure = error.message;
          return error.code === 'SCHEMA_COLLISION';
        },
      );
      if (isCollision) continue;
      // Warnings are left out, because they are about work that migrate will do.
      const errors = (await hooks.check()).filter(({ severity }) => severity === 'ERROR');
      const found = errors.map(({ subject, message, hint }) => `${subject}: ${message}${hint ? ` ${hint}` : ''}`);
      const planned = await hooks.plan().catch((error: Error) => error);
      const isPlanned = !(planned instanceof Error);
      return {
        ...(prefix !== undefined && { prefix }),
        problems: isPlanned || found.length > 0 ? found : [planned.message],
        statements: isPlanned ? planned : [],
      };
    } finally {
      await hooks.close();
    }
  }
  return { problems: [failure], statements: [] };
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}

function open(pool: Pool, { defaults, tables }: Proposal, { survey, schema }: Inspection, prefix: string | undefined): Hookgraph {
  const found = tables.flatMap(({ candidate, find }) => (find && find !== 'node' ? [[candidate.typename, find]] : []));
  return createHookgraph({
    database: pool,
    // A random key, because nothing is encrypted here.
    keys: [randomBytes(32)],
    ...(schema && { schema: schema.schema }),
    source: { ...poolSource, models: survey.models },
    tables: tablesOf(defaults, tables),
    ...(found.length > 0 && { find: Object.fromEntries(found) }),
    ...(prefix !== undefined && { prefix }),
    signIn: async () => null,
    actor: () => null,
    log: createPlainLog('silent'),
  });
}

/** Returns a prefix for Hookgraph's GraphQL names, from the package's name: `@acme/shop-api` becomes `ShopApi`. */
function prefixOf(name: string | null): string {
  const words = (name ?? '')
    .replace(/^@[^/]+\//, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => /^[A-Za-z]/.test(word));
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('') || 'Our';
}
