// Creates the input and output functions of commands: tables on a terminal, tab-separated lines elsewhere. The only file of
// the command line that prints, so that no text of a server reaches the terminal with control characters.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import stringWidth from 'string-width';
import { stringifyJson } from '../runtime/exact-json.mjs';
import { visible, visibleJson } from '../runtime/visible-text.js';

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

export type Cell = string | number | boolean | null | undefined;
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
  // The marks of `paint` contain a random number, so that no printed text can contain one.
  const mark = `\u{fdd0}${randomBytes(8).toString('hex')}:`;
  const marks = new RegExp(`${mark}(\\d+)m`, 'g');
  const safe = (out: string): string => visible(out).replace(marks, '\x1b[$1m');
  const writeRaw = (out: string) => {
    clear();
    stdout.write(out);
  };
  const write = (out: string) => writeRaw(safe(out));
  const plain = (cell: Cell): string => (cell == null ? '' : String(cell));
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
      const [titles = '', ...lines] = layOut([[...head], ...rows.map((row) => row.map(oneLine))], stdout.columns);
      write(`${[terminal.paint('bold', titles), ...lines].join('\n')}\n`);
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

/** Pads a table's columns to equal widths. Wraps the last column, which holds sentences, where a row is wider than the terminal. */
function layOut(rows: readonly string[][], columns = Number.POSITIVE_INFINITY): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => stringWidth(row[at] ?? ''))));
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const width = columns - before < LEAST_WRAPPED ? Number.POSITIVE_INFINITY : columns - before;
  return rows.flatMap((row) => {
    const left = row.slice(0, -1).map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - stringWidth(cell) + 2));
    const [first = '', ...more] = wrapWords(row.at(-1) ?? '', width);
    return [left.join('') + first, ...more.map((line) => ' '.repeat(before) + line)].map((line) => line.trimEnd());
  });
}

/** Breaks a text between words into lines of at most `width` columns; a longer word has a line of its own. */
function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Minimum width of the last column, in characters. If less space is left for it, its text isn't wrapped. */
const LEAST_WRAPPED = 20;
