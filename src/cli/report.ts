// Prints the report of a test or preview: stage by stage, then the request and the response.
import type { Answer } from './client.js';
import type { Colour, Terminal } from './terminal.js';

export const REPORT = `outcome stage message durationMs nodeId
  stages { stage outcome message place { line column } durationMs }
  request { url headers body } response { status headers body }`;

const MARKS: Record<string, [mark: string, colour: Colour]> = {
  OK: ['✓', 'green'],
  FAILED: ['✗', 'red'],
  SKIPPED: ['–', 'yellow'],
  NOT_RUN: ['·', 'dim'],
};

export function printReport(terminal: Terminal, report: Answer): void {
  if (!terminal.isTty) {
    terminal.table([], [...report.stages.map(toRow), ['RESULT', report.outcome, Math.round(report.durationMs), report.message]]);
    return;
  }
  for (const { stage, outcome, message, durationMs } of report.stages) {
    const [mark, colour] = MARKS[outcome] ?? ['?', 'dim'];
    terminal.say(`${terminal.paint(colour, mark)} ${stage.toLowerCase().replace('_', ' ').padEnd(15)} ${resultOf(outcome, durationMs)}`);
    if (message) for (const line of String(message).split('\n')) terminal.say(`    ${line}`);
  }
  if (report.request) printRequest(terminal, report.request);
  if (report.response) printResponse(terminal, report.response);
  const isGood = report.outcome === 'DELIVERED' || report.outcome === 'READY';
  terminal.say(
    `\n${terminal.paint(isGood ? 'green' : report.outcome === 'SKIPPED' ? 'yellow' : 'red', report.outcome)}${report.message ? `  ${report.message}` : ''}`,
  );
}

export const failed = (report: Answer): boolean => report.outcome === 'FAILED';

const toRow = ({ stage, outcome, durationMs, message }: Answer) => [stage, outcome, Math.round(durationMs), message];

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
