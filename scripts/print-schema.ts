// `npm run schema`: writes the built schema to schema.graphql; with --check it fails when the file is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createHooks } from '../src/sample/index.js';

// The URL is a placeholder: no connection is opened before the first query.
const { schema } = createHooks({ database: 'postgres://nobody@localhost/none', keys: [Buffer.alloc(32)] });
const file = resolve(import.meta.dirname, '../schema.graphql');
const built = `${printSchema(lexicographicSortSchema(schema))}\n`;
if (!process.argv.includes('--check')) {
  await writeFile(file, built);
  console.log('wrote schema.graphql');
} else if ((await readFile(file, 'utf8').catch(() => '')) !== built) {
  console.error('schema.graphql is out of date: run `npm run schema` and review the difference.');
  process.exit(1);
} else console.log('schema.graphql is up to date');
