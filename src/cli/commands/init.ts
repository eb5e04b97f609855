// Adds the command `init`, which writes the file that connects an application to Hookgraph.
import { addAnswering, type Cli, type Command } from '../command.js';
import type { InitOptions } from '../init/init.js';

export function addInit(program: Command, cli: Cli): void {
  addAnswering(
    program,
    'init',
    'read your database and your schemas, write hookgraph.ts, which connects your application to Hookgraph, and print the SQL that `migrate` will run',
    ['init', 'init --dry-run', 'init --prisma prisma/schema.prisma --schema src/schema.ts --yes'],
  )
    .option('--database <url>', 'URL of your Postgres; default: DATABASE_URL')
    .option('--prisma <path>', 'your Prisma schema, a file or folder; default: init looks in the usual places')
    .option('--schema <file>', 'your GraphQL schema: a module that exports it, or an SDL file; default: init looks in the usual places')
    .option(
      '--out <file>',
      'the file to write; default: hookgraph.ts, or hookgraph.js without tsconfig.json (.mts or .mjs unless package.json has "type": "module")',
    )
    .option('--yes', 'accept the proposal and write the file without asking')
    .option('--migrate', 'also migrate the database with the written file')
    .option('--dry-run', 'print the file and the SQL, and write nothing')
    .option('--force', 'overwrite an existing file')
    .action(async (options: InitOptions) =>
      (await import('../init/init.js')).init(options, { dir: process.cwd(), env: cli.env, terminal: cli.terminal }),
    );
}
