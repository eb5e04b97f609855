// Tests what the command line prints on a terminal and into a pipe.
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { relative, shortId, shortNode } from '../../src/cli/shorten.js';
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

it('a table that is too wide breaks between words and after signs, in every column, and never in a word', () => {
  const { terminal, said } = terminalOf({ isTTY: true, columns: 48 });
  terminal.table(['name', 'topic', 'state'], [['The customers of the north', 'scenario_session/completed', 'ENABLED']]);
  const printed = said();
  expect(Math.max(...printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(48);
  expect(printed.replace(/ {2,}/g, '|')).toBe('name|topic|state\nThe customers of|scenario_session/|ENABLED\nthe north|completed\n');
});

it('a table that fits in no way is printed a line for each cell, whole', () => {
  const { terminal, said } = terminalOf({ isTTY: true, columns: 30 });
  terminal.table(
    ['id', 'name'],
    [
      ['2bc5a0de93b84c4f8d7ea1c95f5e8aa1', 'One'],
      ['3', 'Two'],
    ],
  );
  expect(said()).toBe('id    2bc5a0de93b84c4f8d7ea1c95f5e8aa1\nname  One\n\nid    3\nname  Two\n\n');
});

it('ids and moments are short on a terminal, and whole on a pipe', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  const cells = [
    shortId('2bc5a0de-93b8'),
    relative('2026-11-30T11:58:00.000Z', now),
    relative('2026-12-02T12:00:00.000Z', now),
    relative('2026-11-30T12:00:00.100Z', now),
    relative(null, now),
    shortNode(Buffer.from('User:2bc5a0de-93b8-4c4f-8d7e-a1c95f5e8aa1').toString('base64url')),
    shortNode('no node'),
  ];
  for (const [isTTY, printed] of [
    [true, 'a  b         c       d    e  f              g\n2bc5a0de  2 min ago  in 2 d  now     User 2bc5a0de  no node\n'],
    [
      false,
      '2bc5a0de-93b8\t2026-11-30T11:58:00.000Z\t2026-12-02T12:00:00.000Z\t2026-11-30T12:00:00.100Z\t\tVXNlcjoyYmM1YTBkZS05M2I4LTRjNGYtOGQ3ZS1hMWM5NWY1ZThhYTE\tno node\n',
    ],
  ] as const) {
    const { terminal, said } = terminalOf({ isTTY, columns: 200 });
    terminal.table([...'abcdefg'], [cells]);
    expect(said().replace(/^a .*\n/, '')).toBe(printed.replace(/^a .*\n/, ''));
  }
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
