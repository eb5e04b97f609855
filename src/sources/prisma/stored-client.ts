// A read-only client, what an execution may recall and its turns in; the client that its resolvers read with out.
import type { PrismaClient } from '../../generated/nodes/client.js';
import type { Snapshot } from '../../webhooks/index.js';
import { datamodel, type Model } from './datamodel.js';
import { type Delegate, delegateName, delegateOf, type Row } from './delegate.js';
import { type Reading, readInTurn } from './limited-reader.js';
import { createMemory, type FindArgs, type Memory, withOverlay } from './overlay.js';
import { type QuickFind, quicklyOr } from './quick-find.js';

export interface Sources {
  prisma: PrismaClient;
  quick: QuickFind;
  snapshots: Snapshot[];
  reading: Reading;
}

const models = new Map(datamodel.models.map((model) => [delegateName(model.name), model]));

/** Single rows come the quick way; for anything else, and where that fails, there is Prisma, made ready when it is first needed. */
export function storedClient({ prisma, quick, snapshots, reading }: Sources): PrismaClient {
  let extended: PrismaClient | undefined;
  const full = () => {
    extended ??= withOverlay(prisma, snapshots, readInTurn(reading));
    return extended;
  };
  const delegates = new Map<string, Delegate>();
  const client: PrismaClient = new Proxy(prisma, {
    get(_, name) {
      const model = typeof name === 'string' ? models.get(name) : undefined;
      if (!model) {
        const value: unknown = Reflect.get(full(), name);
        return typeof value === 'function' ? value.bind(full()) : value;
      }
      const known = delegates.get(model.name) ?? quickDelegate(model, { quick, reading, memory, full });
      delegates.set(model.name, known);
      return known;
    },
  });
  const memory = createMemory(() => client, snapshots);
  return client;
}

interface Ways {
  quick: QuickFind;
  reading: Reading;
  memory: Memory;
  full(): PrismaClient;
}

function quickDelegate(model: Model, { quick, reading, memory, full }: Ways): Delegate {
  /** Null: there is none; undefined: Prisma has to say. */
  const find = async (args: FindArgs): Promise<Row | null | undefined> => {
    const plan = quick.plan(model, args);
    if (!plan) return undefined;
    const foreseen = memory.foresee(model, args);
    const coming = foreseen && (await foreseen);
    if (coming) return coming;
    const row = await quicklyOr(reading(plan.read, { connections: 1, key: plan.key }));
    return row === null ? memory.recall(model, args) : row;
  };
  const quickly: Pick<Delegate, 'findUnique' | 'findUniqueOrThrow'> = {
    findUnique: async (args) => {
      const row = await find(args as FindArgs);
      return row === undefined ? delegateOf(full(), model.name).findUnique(args) : row;
    },
    // What isn't there is Prisma's to throw.
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
