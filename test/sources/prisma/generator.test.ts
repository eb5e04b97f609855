// Tests the files that `hookgraph-prisma` writes, through the protocol between Prisma and its generators.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModels } from '../../../src/sources/prisma/index.js';
import { GENERATED, generate } from './foreign/world.js';

let folder: string;
beforeAll(async () => {
  generate();
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-generator-'));
});
afterAll(() => rm(folder, { recursive: true }));

const field = { kind: 'scalar', isList: false, isRequired: true, isId: false, isUnique: false, hasDefaultValue: false };
const dmmf = {
  datamodel: {
    models: [
      {
        name: 'Thing',
        dbName: null,
        fields: [
          { ...field, name: 'id', type: 'String', isId: true, hasDefaultValue: true, default: { name: 'uuid', args: [4] } },
          { ...field, name: 'at', type: 'DateTime', isUpdatedAt: true, dbName: 'changed_at', nativeType: ['Timestamptz', ['3']] },
          { ...field, name: 'made', type: 'DateTime', hasDefaultValue: true, default: { name: 'now', args: [] } },
        ],
        primaryKey: null,
        uniqueFields: [],
        uniqueIndexes: [],
      },
    ],
    enums: [],
  },
};

/** Sends the requests of one conversation and returns what the generator answered. */
async function ask(...requests: object[]): Promise<Record<string, unknown>[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/sources/prisma/generator.ts'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  child.stdin.end(requests.map((request, id) => `${JSON.stringify({ jsonrpc: '2.0', id, ...request })}\n`).join(''));
  await new Promise((resolve) => child.on('close', resolve));
  return said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const generateInto = (output: string, config: object = {}) => ({
  method: 'generate',
  params: { generator: { output: { value: output }, config }, dmmf },
});

describe('the generator', () => {
  it('tells Prisma what it is, writes into a folder or a file, and says what it can’t', async () => {
    const answers = await ask(
      { method: 'getManifest', params: {} },
      generateInto(folder),
      generateInto(join(folder, 'deep/models.js')),
      generateInto(join(folder, 'models.cjs')),
      generateInto(join(folder, 'common/models.js'), { moduleFormat: 'cjs' }),
      generateInto(join(folder, 'wrong.js'), { moduleFormat: 'amd' }),
      { method: 'dance' },
    );
    expect(answers.map(({ error }) => (error as Error | undefined)?.message)).toEqual([
      ...Array(5).fill(undefined),
      'moduleFormat of the generator hookgraph is "amd", but it must be "esm" or "cjs".',
      'hookgraph-prisma does not implement the generator method dance',
    ]);
    expect(answers[0]?.result).toEqual({ manifest: { prettyName: 'Hookgraph models', defaultOutput: 'hookgraph-models.ts' } });
    expect((await readdir(folder, { recursive: true })).filter((name) => name.includes('.')).sort()).toEqual([
      'common/models.d.ts',
      'common/models.js',
      'deep/models.d.ts',
      'deep/models.js',
      'hookgraph-models.ts',
      'models.cjs',
      'models.d.cts',
    ]);
    const load = createRequire(import.meta.url);
    const { modelOf } = readModels(load(join(folder, 'models.cjs')).models);
    const { fields, schema, table } = modelOf('Thing');
    expect({ schema, table }).toEqual({ schema: 'public', table: 'Thing' });
    expect(fields.map(({ column, nativeType, isMadeByPrisma }) => [column, nativeType, isMadeByPrisma])).toEqual([
      ['id', null, true],
      ['changed_at', 'Timestamptz', true],
      ['made', null, false],
    ]);
  });

  it('is run by Prisma over a schema in several files and Postgres schemas, in all three forms alike', async () => {
    const { models } = await import(join(GENERATED, 'hookgraph-models.ts'));
    const { models: js } = await import(join(GENERATED, 'models.js'));
    expect(js).toEqual(models);
    expect(createRequire(import.meta.url)(join(GENERATED, 'models.cjs')).models).toEqual(models);
    expect(await readFile(join(GENERATED, 'models.d.ts'), 'utf8')).toContain('export declare const models');
    const { modelOf, enumOf } = readModels(models);
    expect([modelOf('Space').schema, modelOf('User').schema]).toEqual(['shop', 'staff']);
    expect(enumOf('Role').values).toEqual([
      { name: 'OWNER', stored: 'the owner' },
      { name: 'MEMBER', stored: 'member' },
    ]);
    expect(modelOf('Space').fields.find(({ name }) => name === 'moods')).toMatchObject({
      isList: true,
      values: [
        { name: 'QUIET', stored: 'quiet!' },
        { name: 'LOUD', stored: 'LOUD' },
      ],
    });
    expect(modelOf('Booking').fields.find(({ name }) => name === 'space')).toMatchObject({ onDelete: 'Cascade', relationToFields: ['id'] });
  });
});
