// The two rooms of migrations, in the order in which they are applied.
import { fileURLToPath } from 'node:url';

export interface Room {
  /** The folder of its migrations. */
  dir: string;
  /** The Postgres schema that holds its ledger. */
  schema: string;
}

// From src/runtime as from dist/runtime, the package's root is two folders up.
const prisma = new URL('../../prisma/', import.meta.url);

/** The domain's tables come first: the engine attaches its triggers to them. */
export const ROOMS: Room[] = [
  { dir: fileURLToPath(new URL('nodes/migrations', prisma)), schema: 'public' },
  { dir: fileURLToPath(new URL('webhooks/migrations', prisma)), schema: 'hookgraph' },
];

/** The same where the engine's tables are in this schema. */
export const roomsIn = (schema: string): Room[] => ROOMS.map((room) => (room === ENGINE_MIGRATIONS ? { ...room, schema } : room));

/** The engine's own, which an adopter's database needs. */
export const ENGINE_MIGRATIONS = ROOMS[1] as Room;
