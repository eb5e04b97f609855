// Makes a client over ExactPg return ordinary JSON values instead of marked strings (exact-json.mjs), which an
// application's resolvers don't know.
import { parseJson, readMarked } from '../../runtime/exact-json.mjs';
import type { Datamodel } from './datamodel.js';
import type { AnyClient, Operation } from './prisma-types.js';

export function unmarked<Client extends AnyClient>({ models }: Datamodel, prisma: Client): Client {
  if (!models.some(({ fields }) => fields.some(({ type }) => type === 'Json'))) return prisma;
  const $allOperations = async ({ args, query }: Operation) => unmark(await query(args));
  return prisma.$extends({ query: { $allOperations } } as never) as Client;
}

/** Replaces marked strings in place, in rows and in their related rows. */
function unmark(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = readMarked(value);
    return text === null ? value : parseJson(text);
  }
  if (Array.isArray(value) || isPlain(value))
    for (const [name, item] of Object.entries(value)) {
      const read = unmark(item);
      if (read !== item) (value as Record<string, unknown>)[name] = read;
    }
  return value;
}

function isPlain(value: unknown): value is object {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
}
