// Tests that programs which this process starts get none of its keys, tokens or database URLs.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runNode } from '../../src/cli/init/run-node.js';
import { systemEnvironment } from '../../src/runtime/child-environment.js';

it('the system’s variables are named, and none is ours', () => {
  process.env.HOOKGRAPH_ENCRYPTION_KEYS = 'planted';
  process.env.DATABASE_URL = 'planted';
  const environment = systemEnvironment();
  delete process.env.HOOKGRAPH_ENCRYPTION_KEYS;
  delete process.env.DATABASE_URL;
  expect(environment.PATH).toBe(process.env.PATH);
  expect(Object.keys(environment).filter((name) => /HOOKGRAPH|DATABASE|^PG|TOKEN|SECRET|KEY/.test(name))).toEqual([]);
});

it('a script of an adopter’s project gets the project’s environment, but no key or token of Hookgraph', async () => {
  const env = { PATH: process.env.PATH, DATABASE_URL: 'of the project', HOOKGRAPH_ENCRYPTION_KEYS: 'planted', HOOKGRAPH_TOKEN: 'planted' };
  const seen = JSON.parse(await runNode(['-e', 'console.log(JSON.stringify(process.env))'], { cwd: process.cwd(), env }));
  expect(seen.DATABASE_URL).toBe('of the project');
  expect(Object.entries(seen).filter(([name, value]) => name.startsWith('HOOKGRAPH') || value === 'planted')).toEqual([]);
});

it('each file that starts programs names their environment', () => {
  const root = new URL('../../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /\.m?ts$/.test(file));
  const starting = files.filter((file) => /from '(?:node:)?child_process'/.test(readFileSync(new URL(file, root), 'utf8')));
  expect(starting.length).toBeGreaterThan(4);
  const silent = starting.filter((file) => {
    const source = readFileSync(new URL(file, root), 'utf8');
    return !/\benv: (?:systemEnvironment\(\)|\{\}|\{ \.\.\.known, PATH: path \})/.test(source);
  });
  expect(silent).toEqual([]);
});
