// Tests that no access check can be forgotten: types with rows have a scope, and reads of the engine's rows take an owner.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isObjectType } from 'graphql';
import { expect, it } from 'vitest';
import { datamodel } from '../../../src/sample/prisma.js';
import { schema } from '../../support/sample.js';

const SRC = resolve(import.meta.dirname, '../../../src');

it('is on every type whose objects are rows of the domain', () => {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const rows = types.filter(({ extensions }) => extensions.pothosPrismaLoader !== undefined);
  const modelled = rows.map(({ extensions }) => extensions.pothosPrismaModel as string);
  expect(datamodel.models.map(({ name }) => name).filter((name) => !modelled.includes(name))).toEqual([]);
  const open = rows.filter(({ extensions }) => typeof (extensions.pothosOptions as { authScopes?: unknown }).authScopes !== 'function');
  expect(open.map(({ name }) => name)).toEqual([]);
});

/** Functions that read for someone other than an owner, each with the reason. */
const WITHOUT_OWNER: Record<string, string> = {
  loadForSending: 'for the worker, who sends for everybody',
  startReplay: 'writes for an operation that has read the subscription as its owner',
  endReplay: 'writes for an operation that has read the subscription as its owner',
  replayModes: 'for the worker, who sends for everybody',
  replayRange: 'reads the clock, and no rows',
  noteCleared: 'for the worker, who cancels what an operation ended',
  endReplaysOf: 'writes for an operation that has read the subscription as its owner',
};

it('is the first thing that a function which reads the engine’s rows is told', () => {
  const folder = join(SRC, 'webhooks/base/store');
  // Other files are exempt: topics belong to the installation, and secrets are opened only after their subscription was read.
  const files = ['audit-log.ts', 'deliveries.ts', 'errors.ts', 'replays.ts', 'subscriptions.ts'];
  const functions = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/export async function (\w+)\(([^)]*)\)/g)].map(([, fn, parameters]) => [
      fn,
      parameters,
    ]),
  ) as [string, string][];
  expect(functions.length).toBeGreaterThan(15);
  expect(functions.filter(([fn, parameters]) => !(fn in WITHOUT_OWNER) && !/\bowner: Owner\b/.test(parameters)).map(([fn]) => fn)).toEqual(
    [],
  );
});

it('is not gone around by SQL of the API: the engine’s tables are read through the engine', () => {
  const files = ['graphql', 'sample', 'sources', 'auth', 'api'].flatMap((room) =>
    readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' }).map((name) => join(SRC, room, name)),
  );
  const sources = files.filter((name) => name.endsWith('.ts'));
  const readers = sources.filter((name) => /\b(FROM|JOIN|INTO|UPDATE) hookgraph\.(?!topics\b)/.test(readFileSync(name, 'utf8')));
  expect(readers).toEqual([]);
});
