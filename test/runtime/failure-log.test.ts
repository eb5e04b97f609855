import pg from 'pg';
import { expect, it } from 'vitest';
import { logFailure } from '../../src/runtime/failure-log.js';
import { collectLines } from '../support/log-lines.js';
import { until } from '../support/until.js';

/** The error of a database that is down: nothing listens on port 1. */
async function refused(): Promise<Error> {
  const client = new pg.Client({ host: '127.0.0.1', port: 1 });
  return client.connect().then(
    () => Promise.reject(new Error('something listens on port 1')),
    (error: Error) => error,
  );
}

it('logs a database that is down once with its stack, then as a count of all that failed by it, and its end', async () => {
  const { log, lines, named } = collectLines();
  for (let i = 0; i < 3; i++) logFailure(log, await refused(), 'claiming failed; trying again', { everyMs: 50 });
  for (let i = 0; i < 2; i++) logFailure(log, await refused(), 'relaying failed; trying again', { everyMs: 50 });
  expect(lines).toMatchObject([{ level: 50, msg: 'claiming failed; trying again', err: { code: 'ECONNREFUSED' } }]);
  const during = { 'claiming failed; trying again': 2, 'relaying failed; trying again': 2 };
  await until('its end is logged', () => named('a failure has ended').length > 0);
  expect(named('a failure has ended')).toMatchObject([{ count: 4, during }]);
  expect(lines.filter((line) => line.err)).toHaveLength(1);
  logFailure(log, await refused(), 'claiming failed; trying again', { everyMs: 50 });
  expect(lines.filter((line) => line.err)).toHaveLength(2);
});

it('keeps failures of other causes apart', () => {
  const { log, lines } = collectLines();
  logFailure(log, new Error('one'), 'a scan failed; trying again');
  logFailure(log, new Error('two'), 'a scan failed; trying again');
  expect(lines.map(({ err }) => err.message)).toEqual(['one', 'two']);
});
