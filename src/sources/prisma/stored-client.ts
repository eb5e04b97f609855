// Creates the Prisma client for the resolvers of one stored query. It only reads, uses no more than its tenant's share of
// the connections, and finds deleted rows in snapshots (rows as they were at the event).
import type { Snapshot } from '../../webhooks/index.js';
import type { Reading } from '../limited-reader.js';
import type { Model } from './datamodel.js';
import { type Delegate, delegateName, delegateOf } from './delegate.js';
import type { Known } from './match-where.js';
import { createMemory, type FindArgs, type Memory, withOverlay } from './overlay.js';
import type { Row } from './prisma-types.js';
import { type FindUniqueArgs, type QuickFind, quicklyOr } from './quick-find.js';
import { readInShare } from './read-in-share.js';

export interface Sources<Client extends object> {
  known: Known;
  /** Maps the name of a client's property, such as `orderLine`, to its model. */
  models: Map<string, Model>;
  prisma: Client;
  quick: QuickFind;
  snapshots: Snapshot[];
  /** Makes reads wait until the tenant uses less than its fair share of the connections; `null`: reads don't wait. */
  reading: Reading | null;
}

export const byDelegate = ({ models }: Known): Map<string, Model> => new Map(models.map((model) => [delegateName(model.name), model]));

/**
 * Creates a client that reads single rows by key without Prisma (`quick`). All other calls go to Prisma's client, which is
 * extended at the first such call.
 */
export function storedClient<Client extends object>({ known, models, prisma, quick, snapshots, reading }: Sources<Client>): Client {
  let extended: Client | undefined;
  const full = () => {
    extended ??= withOverlay(known, prisma, snapshots, reading ? readInShare(reading) : undefined);
    return extended;
  };
  const delegates = new Map<string, Delegate>();
  const client: Client = new Proxy(prisma, {
    get(_, name) {
      const model = typeof name === 'string' ? models.get(name) : undefined;
      if (!model) {
        const value: unknown = Reflect.get(full(), name);
        return typeof value === 'function' ? value.bind(full()) : value;
      }
      const made = delegates.get(model.name) ?? quickDelegate(model, { quick, reading, memory, full });
      delegates.set(model.name, made);
      return made;
    },
  });
  const memory = createMemory(known, () => client, snapshots);
  return client;
}

interface QuickOptions {
  quick: QuickFind;
  reading: Reading | null;
  memory: Memory;
  full(): object;
}

function quickDelegate(model: Model, { quick, reading, memory, full }: QuickOptions): Delegate {
  /** Resolves to `null` when there is no row, and to `undefined` when Prisma must run the call. */
  const find = async (args: FindArgs): Promise<Row | null | undefined> => {
    const plan = quick.plan(model, args as FindUniqueArgs);
    if (!plan) return undefined;
    const foreseen = memory.foresee(model, args);
    const coming = foreseen && (await foreseen);
    if (coming) return coming;
    const row = await quicklyOr(reading ? reading(plan.read, { connections: 1, key: plan.key }) : plan.read());
    return row === null ? memory.recall(model, args) : row;
  };
  const quickly: Pick<Delegate, 'findUnique' | 'findUniqueOrThrow'> = {
    findUnique: async (args) => {
      const row = await find(args as FindArgs);
      return row === undefined ? delegateOf(full(), model.name).findUnique(args) : row;
    },
    // Calls Prisma when there is no row, so that Prisma throws its own error.
    findUniqueOrThrow: async (args) => (await find(args as FindArgs)) ?? delegateOf(full(), model.name).findUniqueOrThrow(args),
  };
  return new Proxy({} as Delegate, {
    get: (_, name) => {
      if (name === 'findUnique' || name === 'findUniqueOrThrow') return quickly[name];
      const delegate = delegateOf(full(), model.name);
      const value: unknown = Reflect.get(delegate, name);
      return typeof value === 'function' ? value.bind(delegate) : value;
    },
  });
}
