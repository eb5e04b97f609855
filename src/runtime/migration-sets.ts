// The two rooms of migrations, in the order in which they are applied.
import { packageFile } from './package-file.js';

export interface Room {
  /** The folder of its migrations. */
  dir: string;
  /** The Postgres schema that holds its ledger. */
  schema: string;
}

/** From src/runtime as from dist/runtime, the package's root is two folders up. */
const folderOf = (set: string): string => packageFile(import.meta.url, `../../prisma/${set}/migrations`, `prisma/${set}/migrations`);

/** The domain's tables come first: the engine attaches its triggers to them. */
export const ROOMS: Room[] = [
  {
    get dir() {
      return folderOf('nodes');
    },
    schema: 'public',
  },
  {
    get dir() {
      return folderOf('webhooks');
    },
    schema: 'hookgraph',
  },
];

/** The same where the engine's tables are in this schema. */
export const roomsIn = (schema: string): Room[] => ROOMS.map((room) => (room === ENGINE_MIGRATIONS ? { ...room, schema } : room));

/** The engine's own, which an adopter's database needs. */
export const ENGINE_MIGRATIONS = ROOMS[1] as Room;
