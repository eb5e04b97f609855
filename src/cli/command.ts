// Adds commands with examples and common options to the program. Defines what every command receives (`Cli`): terminal,
// environment and client.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../runtime/config.js';
import type { Client } from './client.js';
import type { Clock } from './sleep-watch.js';
import type { Terminal } from './terminal.js';

export interface Cli {
  terminal: Terminal;
  env: Environment;
  /** Creates a client with the current login. @throws RuntimeError `NOT_LOGGED_IN` */
  connect(): Promise<Client>;
  /** Returns a signal that aborts on Ctrl-C. Commands then delete what they created temporarily. */
  interrupted(): AbortSignal;
  clock: Clock;
  /** Is called with the name of the command before it runs. */
  onCommand?(name: string): void;
  /** Logs why the process could not start; absent: the error is printed. */
  logFailure?(error: unknown): void;
}

const APP = 'your file that calls createHookgraph()';

export const appOption = (): Option => new Option('--app <file>', `${APP}; default: the sample product`).env('HOOKGRAPH_APP');

export const requiredAppOption = (): Option => new Option('--app <file>', APP).env('HOOKGRAPH_APP').makeOptionMandatory();

/** Explains each argument, by its name in the signatures. */
const ARGUMENTS: Record<string, string> = {
  webhook: "name of a subscription, its id, its record's id, or the first 8 characters of that",
  delivery: 'id of a delivery, as `deliveries list` and the header X-Scope-Webhook-Job-Id show it',
  event: 'id of an event, as `events list` shows it',
  action: 'id of an action, as `actions list` shows it',
  error: 'id of an error, as `errors list` shows it',
  topic: 'key of a topic, such as user/created; `topics list` lists them',
  target: 'name or id of a subscription to the topic, or a URL',
  'topic|webhook': 'key of a topic, or name or id of a subscription',
  folder: 'folder of the YAML files; default: the current folder',
  name: 'name of the new organization',
  sequence: 'number of a notification, as the header X-Scope-Sequence shows it; 0 lists all',
  node: 'global id of a node',
};

/** Adds a command. `examples` are command lines without the leading `hookgraph`. */
export function addCommand(parent: Command, signature: string, description: string, examples: string[]): Command {
  const command = parent.command(signature).description(description);
  for (const argument of command.registeredArguments) argument.description = ARGUMENTS[argument.name()] ?? '';
  if (examples.length > 0)
    command.addHelpText(
      'after',
      `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.map((line) => `  $ hookgraph ${line}`).join('\n')}`,
    );
  return command;
}

/** Adds a command that prints a result, with the option --json. */
export function addAnswering(parent: Command, signature: string, description: string, examples: string[]): Command {
  return addCommand(parent, signature, description, examples).option('--json', 'print the result as JSON');
}

export interface Answering {
  json?: true;
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('The value must be a whole number, 1 or greater.');
  return Number(text);
}

export function portNumber(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('The value must be a port from 0 to 65535.');
  return Number(text);
}

/** Collects the values of an option that can be repeated. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** Parses a time in ISO 8601, or a duration before now: `90s`, `15m`, `2h`, `7d`. */
export function moment(text: string): string {
  const span = spanOf(text);
  if (span !== null) return new Date(Date.now() - span * 1000).toISOString();
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('Write a time like 2026-11-22T18:30:00Z, or how long ago it was: 90s, 15m, 2h, 7d.');
}

/** Parses a duration like `90s`, `15m`, `2h` or `7d` into seconds. */
export function seconds(text: string): number {
  const span = spanOf(text);
  if (span === null) throw new InvalidArgumentError('Write a duration like 90s, 15m, 2h, 7d.');
  return span;
}

function spanOf(text: string): number | null {
  const [, count, unit] = /^(\d+)\s*(s|m|h|d)$/.exec(text) ?? [];
  return count && unit ? Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] as number) : null;
}

export { type Command, InvalidArgumentError, Option };
