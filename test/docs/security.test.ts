// Tests that each threat in SECURITY.md names a defence and an existing test.
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const rows = readFileSync('SECURITY.md', 'utf8')
  .split('## Threats')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat'));

it.each(rows ?? [])('%s', (row) => {
  const [, threat = '', defence = '', tests = ''] = row.split('|').map((cell) => cell.trim());
  expect([threat.length > 10, defence.length > 10]).toEqual([true, true]);
  const named = [...tests.matchAll(/`([^`]+)`/g)].map(([, path]) => path as string);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((path) => !existsSync(`test/${path}`))).toEqual([]);
});
