// Creates the input and output functions of commands: tables on a terminal, tab-separated lines elsewhere. The only file of
// the command line that prints, so that no text of a server reaches the terminal with control characters.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stringifyJson } from '../runtime/exact-json.mjs';
import { visible, visibleJson } from '../runtime/visible-text.js';
import { layOut } from './lay-out.js';

export interface Terminal {
  /** Whether stdout is a terminal. */
  isTty: boolean;
  /** Writes a line to stdout. Here and below, characters that could control the terminal are replaced: see `visible`. */
  say(line: string): void;
  /** Writes a line to stderr, for messages that aren't part of the result. */
  note(line: string): void;
  /** Writes to stdout without a line break. */
  write(text: string): void;
  /** Marks the text, so that this terminal's other functions write it in colour. */
  paint(colour: Colour, text: string): string;
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void;
  /** Writes lines of name and value; a `null` value is omitted. */
  details(pairs: readonly (readonly [name: string, value: Cell])[]): void;
  json(value: unknown): void;
  /** Writes a value as one line of JSON. */
  jsonLine(value: unknown): void;
  /** Shows a line that the next output overwrites; only on a terminal. */
  progress(line: string): void;
  /** Reads all of stdin. */
  readAll(): Promise<string>;
  /** Asks without echo on a terminal; otherwise reads all of stdin. */
  readSecret(question: string): Promise<string>;
  /** Returns the typed line, trimmed; `null` when stdin isn't a terminal. */
  ask(question: string): Promise<string | null>;
  /** Asks for yes or no, and returns whether the answer is yes; `null` when stdin isn't a terminal. */
  confirm(question: string): Promise<boolean | null>;
}

export type Cell = string | number | boolean | null | undefined | Shortened;
/** A value that a terminal shows in a shorter form. Pipes get it whole. */
export interface Shortened {
  short: string;
  whole: string;
}
export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

export interface Streams {
  stdin: Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean };
}

const CODES: Record<Colour, [number, number]> = { red: [31, 39], green: [32, 39], yellow: [33, 39], dim: [2, 22], bold: [1, 22] };
export function createTerminal({ stdin, stdout, stderr }: Streams, { noColour }: { noColour: boolean }): Terminal {
  const isTty = stdout.isTTY === true;
  const colours = isTty && !noColour;
  let hasProgress = false;
  const clear = () => {
    if (hasProgress) stdout.write('\r\x1b[K');
    hasProgress = false;
  };
  // A mark of `paint` contains a random number, so that no printed text can contain a mark.
  const mark = `\u{fdd0}${randomBytes(8).toString('hex')}:`;
  const marks = new RegExp(`${mark}(\\d+)m`, 'g');
  const safe = (out: string): string => visible(out).replace(marks, '\x1b[$1m');
  const writeRaw = (out: string) => {
    clear();
    stdout.write(out);
  };
  const write = (out: string) => writeRaw(safe(out));
  const plain = (cell: Cell): string => (cell == null ? '' : typeof cell === 'object' ? (isTty ? cell.short : cell.whole) : String(cell));
  const oneLine = (cell: Cell): string => visible(plain(cell)).replace(/\s+/g, ' ').trim();
  const ask = (question: string, hidden: boolean) =>
    new Promise<string>((resolve) => {
      stderr.write(safe(question));
      // Without an output stream, readline doesn't echo.
      const lines = createInterface({ input: stdin, ...(!hidden && { output: stderr }), terminal: true });
      lines.once('SIGINT', () => {
        lines.close();
        process.kill(process.pid, 'SIGINT');
      });
      lines.once('line', (line) => {
        // resolve() comes before close(), because the event `close` resolves with an empty text.
        resolve(line);
        lines.close();
        if (hidden) stderr.write('\n');
      });
      lines.once('close', () => resolve(''));
    });
  const terminal: Terminal = {
    isTty,
    write,
    say: (line) => write(`${line}\n`),
    note: (line) => {
      clear();
      stderr.write(`${safe(line)}\n`);
    },
    paint: (colour, painted) => (colours ? `${mark}${CODES[colour][0]}m${painted}${mark}${CODES[colour][1]}m` : painted),
    table(head, rows) {
      if (!isTty) {
        for (const row of rows) write(`${row.map(oneLine).join('\t')}\n`);
        return;
      }
      const cells = rows.map((row) => row.map(oneLine));
      const lines = layOut([[...head], ...cells], stdout.columns);
      if (lines) {
        const titles = (lines[0] ?? '').replace(/\S+(?: \S+)*/g, (title) => terminal.paint('bold', title));
        write(`${[titles, ...lines.slice(1)].join('\n')}\n`);
      } else
        for (const row of cells) {
          terminal.details(row.map((cell, at) => [head[at] ?? '', cell]));
          write('\n');
        }
    },
    details(pairs) {
      const shown = pairs.filter(([, value]) => value != null && value !== '');
      const width = Math.max(0, ...shown.map(([name]) => name.length));
      for (const [name, value] of shown) {
        const lines = visible(plain(value)).trimEnd().split('\n');
        if (!isTty) writeRaw(`${visible(name)}\t${lines.length > 1 ? visibleJson(JSON.stringify(plain(value))) : lines[0]}\n`);
        else if (lines.length === 1) write(`${terminal.paint('dim', name.padEnd(width))}  ${lines[0]}\n`);
        else write(`${terminal.paint('dim', name)}\n${lines.map((line) => `    ${line}`).join('\n')}\n`);
      }
    },
    json: (value) => writeRaw(`${visibleJson(stringifyJson(value, null, 2))}\n`),
    jsonLine: (value) => writeRaw(`${visibleJson(stringifyJson(value))}\n`),
    progress(line) {
      if (!isTty) return;
      clear();
      stdout.write(oneLine(line));
      hasProgress = true;
    },
    readAll: () => text(stdin),
    readSecret: async (question) => (stdin.isTTY ? ask(question, true) : text(stdin)).then((answer) => answer.trim()),
    ask: async (question) => (stdin.isTTY ? (await ask(question, false)).trim() : null),
    confirm: async (question) => (stdin.isTTY ? /^y(es)?$/i.test((await ask(`${question} [y/N] `, false)).trim()) : null),
  };
  return terminal;
}

/** Waits until all output has left the process. */
export const written = (...streams: Writable[]): Promise<unknown> =>
  Promise.all(streams.map((stream) => new Promise((resolve) => stream.write('', resolve))));
