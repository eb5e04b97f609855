// Prints the report of a test or preview: the node, stage by stage with input and output, then the request and the response. The text is
// the same on terminals and pipes.
import { stringifyJson } from '../runtime/exact-json.mjs';
import type { Answer } from './client.js';
import type { Colour, Terminal } from './terminal.js';

export const REPORT = `outcome stage message durationMs nodeId nodeLabel
  stages { stage outcome message place { line column } durationMs input output }
  request { url headers body } response { status headers body }`;

const MARKS: Record<string, [mark: string, colour: Colour]> = {
  OK: ['✓', 'green'],
  FAILED: ['✗', 'red'],
  SKIPPED: ['–', 'yellow'],
  NOT_RUN: ['·', 'dim'],
};

/** Maximum number of characters of a JSON value that is printed in one line. */
const MAX_LINE = 100;

export function printReport(terminal: Terminal, report: Answer): void {
  terminal.say(`node  ${[report.nodeLabel, report.nodeId].filter(Boolean).join(', ')}`);
  let shownInput = '';
  for (const { stage, outcome, message, durationMs, input, output } of report.stages) {
    const [mark, colour] = MARKS[outcome] ?? ['?', 'dim'];
    terminal.say(`${terminal.paint(colour, mark)} ${stage.toLowerCase().replace('_', ' ').padEnd(15)} ${resultOf(outcome, durationMs)}`);
    if (message) for (const line of String(message).split('\n')) terminal.say(`    ${line}`);
    // The request and the response, which are the input and output of SEND, follow below.
    if (stage === 'SEND') continue;
    const text = input === null ? '' : stringifyJson(input);
    if (text !== '' && text !== shownInput) printValue(terminal, 'input', input);
    else if (text !== '') terminal.say(`    ${terminal.paint('dim', 'input')}   as above`);
    if (text !== '') shownInput = text;
    if (output !== null) printValue(terminal, 'output', output);
  }
  if (report.request) printRequest(terminal, report.request);
  if (report.response) printResponse(terminal, report.response);
  const isGood = report.outcome === 'DELIVERED' || report.outcome === 'READY';
  const result = terminal.paint(isGood ? 'green' : report.outcome === 'SKIPPED' ? 'yellow' : 'red', report.outcome);
  terminal.say(`\n${result}${report.message ? `  ${report.message}` : ''}`);
}

/** Prints a text as it is, and anything else as JSON: in one line if it is short. */
function printValue(terminal: Terminal, name: string, value: unknown): void {
  const oneLine = typeof value === 'string' ? value : stringifyJson(value);
  const isShort = oneLine.length <= MAX_LINE && !oneLine.includes('\n');
  if (isShort) terminal.say(`    ${terminal.paint('dim', name.padEnd(6))}  ${oneLine}`);
  else terminal.say(`    ${terminal.paint('dim', name)}`);
  if (isShort) return;
  for (const line of (typeof value === 'string' ? value : stringifyJson(value, null, 2)).split('\n')) terminal.say(`      ${line}`);
}

export const failed = (report: Answer): boolean => report.outcome === 'FAILED';

const resultOf = (outcome: string, durationMs: number): string =>
  outcome === 'NOT_RUN' ? 'not run' : outcome === 'SKIPPED' ? `rendered false (${ms(durationMs)})` : ms(durationMs);
export const ms = (durationMs: number): string => `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`;

export function printRequest(terminal: Terminal, { url, headers, body }: Answer): void {
  terminal.say(`\nPOST ${url}`);
  printMessage(terminal, headers, body);
}

export function printResponse(terminal: Terminal, { status, headers, body }: Answer): void {
  terminal.say(`\nHTTP ${status}`);
  printMessage(terminal, headers, body);
}

function printMessage(terminal: Terminal, headers: Record<string, unknown>, body: string | null): void {
  for (const [name, value] of Object.entries(headers)) terminal.say(`${terminal.paint('dim', `${name}:`)} ${value}`);
  terminal.say(body === null ? '\n(the body is not recorded)' : body === '' ? '\n(no body)' : `\n${body.trimEnd()}`);
}
