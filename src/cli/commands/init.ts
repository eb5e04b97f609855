// Adds the command `init`, with which an adopter starts.
import { addAnswering, type Cli, type Command } from '../command.js';
import type { InitOptions } from '../init/init.js';

export function addInit(program: Command, cli: Cli): void {
  addAnswering(program, 'init', 'look at your database and write hookgraph.ts: tables, tenants, finders; then show the SQL of migrate', [
    'init',
    'init --dry-run',
    'init --prisma prisma/schema.prisma --schema src/schema.ts --yes',
  ])
    .option('--database <url>', 'your Postgres; default: DATABASE_URL')
    .option('--prisma <path>', 'your Prisma schema, a file or a folder; default: found by its usual names')
    .option('--schema <file>', 'your GraphQL schema: a module that exports it, or SDL; default: found by its usual names')
    .option('--out <file>', 'the file to write; default: hookgraph.ts, or .js without a tsconfig.json')
    .option('--yes', 'ask nothing: take what is proposed, and write the file')
    .option('--migrate', 'then run the migration, too')
    .option('--dry-run', 'show everything, and write nothing')
    .option('--force', 'write the file anew where it is there')
    .action(async (options: InitOptions) =>
      (await import('../init/init.js')).init(options, { dir: process.cwd(), env: cli.env, terminal: cli.terminal }),
    );
}
