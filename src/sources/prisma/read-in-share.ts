// Makes each operation of a Prisma client wait until its tenant uses less than its fair share of the connections.
import type { Reading } from '../limited-reader.js';
import type { Operation } from './prisma-types.js';

/**
 * Returns a query extension for Prisma's `$extends`, which passes each operation to `reading`. Counts one connection for
 * each relation that the operation reads, at least one. findUnique calls of one tick with the same `select` or `include`
 * count once, because Prisma batches them.
 */
export function readInShare(reading: Reading) {
  return ({ operation, model, args, query }: Operation) => {
    const shape = shapeOf(args);
    const key = operation.startsWith('findUnique') ? `${model}.${JSON.stringify(shape, textOfBigInt)}` : null;
    return reading(() => query(args), { connections: Math.max(1, relationsIn(shape)), key });
  };
}

type Shape = Record<string, unknown>;

function shapeOf(args: unknown): Shape {
  const { select, include } = (args ?? {}) as { select?: Shape; include?: Shape };
  return select ?? include ?? {};
}

function relationsIn(shape: Shape): number {
  let count = 0;
  for (const name in shape) {
    const nested = shape[name];
    if (typeof nested === 'object' && nested !== null) count += 1 + relationsIn(shapeOf(nested));
  }
  return count;
}

const textOfBigInt = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
