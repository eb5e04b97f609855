import pg from 'pg';
import { expect, it } from 'vitest';
import { isUnreachable, logFailure } from '../../src/runtime/failure-log.js';
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
  const errors = await Promise.all(Array.from({ length: 5 }, refused));
  for (const error of errors.slice(2)) logFailure(log, error, 'claiming failed; trying again', { everyMs: 50 });
  for (const error of errors.slice(0, 2)) logFailure(log, error, 'relaying failed; trying again', { everyMs: 50 });
  expect(lines).toMatchObject([{ level: 50, msg: 'claiming failed; trying again', err: { code: 'ECONNREFUSED' } }]);
  const during = { 'claiming failed; trying again': 2, 'relaying failed; trying again': 2 };
  await until('its end is logged', () => named('a failure has ended').length > 0);
  expect(named('a failure has ended')).toMatchObject([{ count: 4, during }]);
  expect(lines.filter((line) => line.err)).toHaveLength(1);
  logFailure(log, await refused(), 'claiming failed; trying again', { everyMs: 50 });
  expect(lines.filter((line) => line.err)).toHaveLength(2);
});

it('keeps a database that refuses connections, logins or writes apart from one that is down, and says what helps', async () => {
  const { log, lines, named } = collectLines();
  const coded = (code: string) => Object.assign(new Error(code), { code });
  const errors = [await refused(), ...['53300', '28P01', '28000', '25006'].map(coded)];
  for (const error of errors) for (const what of ['claiming', 'relaying']) logFailure(log, error, `${what} failed`, { everyMs: 50 });
  expect(lines.map(({ advice }) => advice)).toEqual([
    expect.stringMatching(/^Is the database running/),
    expect.stringMatching(/^Raise max_conn/),
    expect.stringMatching(/^Check user and password/),
    expect.stringMatching(/^The database takes no writes/),
  ]);
  await until('all ends are logged', () => named('a failure has ended').length === 4);
  expect(named('a failure has ended').map(({ cause }) => cause)).toContain('the database refuses the login');
});

it('takes a server without TLS, and one that asks for a password, for a database that cannot be reached', () => {
  for (const text of ['The server does not support SSL connections', 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'])
    expect(isUnreachable(new Error(text))).toBe(true);
  expect(isUnreachable(new Error('invalid input'))).toBe(false);
});

it('keeps failures of other causes apart', () => {
  const { log, lines } = collectLines();
  logFailure(log, new Error('one'), 'a scan failed; trying again');
  logFailure(log, new Error('two'), 'a scan failed; trying again');
  expect(lines.map(({ err }) => err.message)).toEqual(['one', 'two']);
});
