// Tests what the command line prints on a terminal and into a pipe.
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createTerminal } from '../../src/cli/terminal.js';
import { parseJson } from '../../src/runtime/exact-json.mjs';

function terminalOf({ isTTY, columns = 80, noColour = true }: { isTTY: boolean; columns?: number; noColour?: boolean }) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough().setEncoding('utf8'), new PassThrough().setEncoding('utf8')];
  const streams = { stdin: Object.assign(stdin, { isTTY }), stdout: Object.assign(stdout, { isTTY, columns }), stderr };
  const terminal = createTerminal(streams, { noColour });
  return { terminal, type: (keys: string) => stdin.write(keys), said: () => stdout.read() as string, asked: () => stderr.read() as string };
}

const row = ['1', 'user/created', 'Something went wrong at the receiver, which answered 503 twice'];

it('a table stays within the terminal: its last column is wrapped', () => {
  const { terminal, said } = terminalOf({ isTTY: true, columns: 48 });
  terminal.table(['id', 'topic', 'message'], [row]);
  const lines = said().trimEnd().split('\n');
  expect(Math.max(...lines.map((line) => line.trimEnd().length))).toBeLessThanOrEqual(48);
  expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('answered 503 twice');
});

it('JSON has every digit', () => {
  const { terminal, said } = terminalOf({ isTTY: false });
  terminal.json(parseJson('{"id":750727362669608961}'));
  expect(said()).toBe('{\n  "id": 750727362669608961\n}\n');
});

it('a pipe gets a line an item, with tabs between, however long and whatever is in it', () => {
  const { terminal, said } = terminalOf({ isTTY: false, columns: 10 });
  terminal.table(['id', 'topic', 'message'], [row, ['2', null, 'two\nlines\tand \u001b[31mcolour']]);
  expect(said()).toBe(`${row.join('\t')}\n2\t\ttwo lines and \ufffd[31mcolour\n`);
});

it('only `paint` colours: a text that imitates its marks does not', () => {
  const { terminal, said } = terminalOf({ isTTY: true, noColour: false });
  const marked = terminal.paint('red', 'x');
  expect(marked).not.toBe('x');
  const forged = marked.replace(/[0-9a-f]{16}/g, '0123456789abcdef');
  terminal.say(`${marked} \x1b[32my ${forged}`);
  expect(said()).toBe(`\x1b[31mx\x1b[39m \ufffd[32my ${forged}\n`);
});

it('a secret is asked for without echo, and a question answered; where nobody sits, stdin holds the secret and no answer', async () => {
  const person = terminalOf({ isTTY: true });
  const secret = person.terminal.readSecret('Token: ');
  person.type('hunter2\r');
  expect([await secret, person.asked(), person.said()]).toEqual(['hunter2', 'Token: \n', null]);
  for (const [typed, answer] of [
    ['y', true],
    ['', false],
  ] as const) {
    const asked = person.terminal.confirm('Delete?');
    person.type(`${typed}\r`);
    expect(await asked).toBe(answer);
  }
  const pipe = terminalOf({ isTTY: false });
  expect(await pipe.terminal.confirm('Delete?')).toBeNull();
});
