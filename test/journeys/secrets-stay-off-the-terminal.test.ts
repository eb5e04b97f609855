// Promise: a process that fails to start or prints its settings shows no secret on the terminal.
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { freePort } from '../support/cli.js';
import { run } from '../support/product.js';
import { tracesOf } from '../support/secret-traces.js';

const KEY = randomBytes(32);
const PASSWORD = `planted-password-${randomBytes(6).toString('hex')}`;
const TOKEN = `planted-token-${randomBytes(6).toString('hex')}`;
const TRACES = [PASSWORD, TOKEN, KEY.toString('base64')].flatMap(tracesOf).concat(KEY.toString('hex'), KEY.toString('base64url'));
const leaksIn = (text: string) => TRACES.filter((trace) => text.includes(trace));

it('where it can not start', async () => {
  const fails = (url: string) =>
    run(['worker'], {
      DATABASE_URL: url,
      HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64'),
      HOOKGRAPH_LOG_LEVEL: 'trace',
      HOOKGRAPH_DATA_DIR: tmpdir(),
    }).then(() => 'it started', String);
  const [unreachable, wrong] = await Promise.all([
    fails(`postgres://somebody:${PASSWORD}@127.0.0.1:${await freePort()}/none`),
    fails(`mysql://somebody:${PASSWORD}@127.0.0.1/none`),
  ]);
  expect(unreachable).toContain('DATABASE_UNREACHABLE');
  expect(wrong).toContain('BAD_CONFIG');
  expect([leaksIn(unreachable), leaksIn(wrong)]).toEqual([[], []]);
});

it('in `hookgraph config`', async () => {
  const printed = await run(['config'], {
    DATABASE_URL: `postgres://somebody:${PASSWORD}@127.0.0.1/none`,
    HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64'),
    HOOKGRAPH_ADMIN_TOKEN: TOKEN,
  });
  expect(printed).toContain('HOOKGRAPH_ENCRYPTION_KEYS');
  expect(leaksIn(printed)).toEqual([]);
});
