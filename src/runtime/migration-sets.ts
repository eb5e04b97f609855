// Lists the two sets of migrations (of the sample's tables and of the engine's) in the order in which they are applied.
import { packageFile } from './package-file.js';

export interface MigrationSet {
  /** The folder of the migrations. */
  dir: string;
  /** The Postgres schema of the table `_prisma_migrations`. */
  schema: string;
}

/** Returns the folder of a set's migrations. The path fits `src/runtime` and `dist/runtime`: both are two folders below the root. */
const folderOf = (set: string): string => packageFile(import.meta.url, `../../prisma/${set}/migrations`, `prisma/${set}/migrations`);

/** The sample domain's tables come first, because the engine attaches its triggers to them. */
export const MIGRATION_SETS: MigrationSet[] = [
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

/** Returns both sets of migrations, with the engine's tables in this schema. */
export const migrationSetsIn = (schema: string): MigrationSet[] =>
  MIGRATION_SETS.map((set) => (set === ENGINE_MIGRATIONS ? { ...set, schema } : set));

/** The engine's migrations, which an adopter's database needs. */
export const ENGINE_MIGRATIONS = MIGRATION_SETS[1] as MigrationSet;
