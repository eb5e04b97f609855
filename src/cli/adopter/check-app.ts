// `hookgraph check`: lists the problems of an application's announced tables and stored queries, with its current GraphQL
// schema or with the schema in a file.
import { readFile } from 'node:fs/promises';
import { buildSchema, type GraphQLSchema } from 'graphql';
import type { Hookgraph } from '../../index.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Terminal } from '../terminal.js';

export interface CheckAppOptions {
  /** Path of an SDL file with the GraphQL schema that is going to be deployed. Default: the current schema is checked. */
  schema?: string;
  json?: boolean;
  terminal: Terminal;
}

/** Prints the problems. @throws RuntimeError `CHECK_FAILED` when one of them has the severity ERROR */
export async function checkApp(hooks: Hookgraph, { schema, json, terminal }: CheckAppOptions): Promise<void> {
  const next = schema === undefined ? undefined : await readSchema(schema);
  const problems = await hooks.check(next && { schema: next });
  if (json) terminal.json(problems);
  else
    for (const { severity, subject, message, hint } of problems) {
      terminal.say(`${terminal.paint(severity === 'ERROR' ? 'red' : 'yellow', severity.toLowerCase().padEnd(7))}  ${subject}: ${message}`);
      if (hint) terminal.say(`${' '.repeat(9)}${hint}`);
    }
  const errors = problems.filter(({ severity }) => severity === 'ERROR').length;
  if (errors > 0) throw new RuntimeError('CHECK_FAILED', errors === 1 ? 'There is 1 error' : `There are ${errors} errors`);
  if (!json) terminal.say('No problems were found.');
}

async function readSchema(path: string): Promise<GraphQLSchema> {
  const source = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new RuntimeError('SCHEMA_NOT_READ', `Reading ${path} failed: ${cause.code}`, 'Pass a file that contains the new schema in SDL.');
  });
  try {
    return buildSchema(source, { assumeValidSDL: true });
  } catch (cause) {
    throw new RuntimeError(
      'SCHEMA_INVALID',
      `${path} does not contain a valid GraphQL schema: ${(cause as Error).message}`,
      'Write the file with `printSchema` of the package graphql.',
    );
  }
}
