// Tests that the log never holds a secret.
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../../src/runtime/log.js';

function capture(isTTY: boolean) {
  const lines: string[] = [];
  const out = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  out.isTTY = isTTY;
  return { log: createLog('info', out), text: () => lines.join('') };
}

test.each([true, false])('secrets are redacted, two levels deep (terminal: %s)', (isTTY) => {
  const { log, text } = capture(isTTY);
  log.info(
    { token: 'hunter2', request: { headers: { authorization: 'hunter2' } }, input: { sharedSecret: 'hunter2' }, topic: 'user/created' },
    'sent',
  );
  expect(text()).not.toContain('hunter2');
  expect(text()).toContain('user/created');
});

test('elsewhere a line is JSON; on a terminal it is for people', () => {
  const json = capture(false);
  json.log.warn({ made: 3 }, 'partitions');
  expect(JSON.parse(json.text())).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    msg: 'partitions',
    made: 3,
  });
  const human = capture(true);
  human.log.warn({ made: 3 }, 'partitions');
  expect(human.text()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}partitions made=3\n$/);
});

test('of an error it tells name, message, code and cause, and nothing else that hangs on it', () => {
  const { log, text } = capture(false);
  const error = Object.assign(new Error('refused', { cause: new Error('no route') }), { code: 'E1', client: { password: 'hunter2' } });
  log.error({ error }, 'failed');
  expect(JSON.parse(text()).error).toMatchObject({ type: 'Error', message: 'refused', code: 'E1', cause: { message: 'no route' } });
  expect(text()).not.toContain('hunter2');
});
