// Reads the systemd units and the environment file of deploy/, as systemd would.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const UNITS = join(import.meta.dirname, '../../deploy/systemd');

export interface Unit {
  name: string;
  /** The program and its arguments. */
  command: string[];
  environment: Record<string, string>;
  /** All settings of [Service], by name. A repeated setting has its values in their order. */
  settings: Record<string, string[]>;
}

/** Reads NAME=value lines, without comments. */
export const readEnvironment = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** Reads every unit, with 1 as the name of the instance (`%i`). */
export function readUnits(): Unit[] {
  return readdirSync(UNITS)
    .filter((file) => file.endsWith('.service'))
    .map((name) => {
      const section = readFileSync(join(UNITS, name), 'utf8').replaceAll('%i', '1').split('[Service]')[1]?.split(/^\[/m)[0] ?? '';
      const settings: Record<string, string[]> = {};
      for (const [, key, value] of section.matchAll(/^([A-Za-z]+)=(.*)$/gm))
        settings[key as string] = [...(settings[key as string] ?? []), value as string];
      const environment = readEnvironment((settings.Environment ?? []).join('\n'));
      return { name, command: settings.ExecStart?.[0]?.split(' ') ?? [], environment, settings };
    });
}
