import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type Auditable, changesOf, diffOf } from '../../../../src/webhooks/base/store/audit.js';

const ENGINE = resolve(import.meta.dirname, '../../../../src/webhooks');

it('is thought of by every file that changes a subscription', () => {
  const sources = readdirSync(ENGINE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const changing = sources.filter((name) => {
    const text = readFileSync(join(ENGINE, name), 'utf8');
    return (
      /(UPDATE|INSERT INTO|DELETE FROM) hookgraph\.(subscriptions|subscription_versions)\b/.test(text) ||
      /\b(insertVersion|raiseVersion|disableIntegration|enableIntegration)\b/.test(text)
    );
  });
  expect(changing.sort()).toEqual([
    'base/store/subscription-status.ts',
    'operations/create.ts',
    'operations/rotate-secret.ts',
    'operations/save.ts',
    'operations/switch-group.ts',
  ]);
  expect(changing.filter((name) => !/\b(recordAudit|auditByRule)\(/.test(readFileSync(join(ENGINE, name), 'utf8')))).toEqual([]);
});

const auditable = (more: object): Auditable =>
  ({
    name: null,
    topic: 'a/created 1.0',
    integrationId: null,
    environmentIds: null,
    definition: { headerNames: [] },
    secrets: {},
    ...more,
  }) as never;

it('tells of whatever fields a definition has, and of a secret that it changed', () => {
  const before = auditable({ definition: { headerNames: [], later: { a: 1 } }, secrets: { auth: { password: 'one' }, same: 'x' } });
  const after = auditable({ definition: { headerNames: ['X-A'], later: { a: 2 } }, secrets: { auth: { password: 'two' }, same: 'x' } });
  expect(changesOf(before, after)).toEqual([
    { field: 'headers', before: null, after: ['X-A'] },
    { field: 'later', before: { a: 1 }, after: { a: 2 } },
    { field: 'auth', before: null, after: null, secret: true },
  ]);
  expect(changesOf(after, after)).toEqual([]);
});

it('gives a diff where there are several lines, and up when it would take long', () => {
  expect(diffOf({ field: 'name', before: 'a', after: 'b' })).toBeNull();
  expect(diffOf({ field: 'query', before: 'a\nb\n', after: 'a\nc\n' })).toBe('@@ -1,2 +1,2 @@\n a\n-b\n+c\n');
  expect(diffOf({ field: 'query', before: null, after: 'a\nb\n' })).toBe('@@ -0,0 +1,2 @@\n+a\n+b\n');
  const lines = (prefix: string) => Array.from({ length: 16_000 }, (_, index) => `${prefix}${index % 97}`).join('\n');
  // A comparison of all lines would give a diff, but take minutes.
  expect(diffOf({ field: 'query', before: lines('a'), after: lines('b') })).toBeNull();
});
