// Prints every environment variable with its value, source and meaning, then fails if a value is invalid.
import { describeConfig, readConfig } from '../../runtime/config.js';
import { describeDestinationOptions, readDestinationOptions } from '../../webhooks/index.js';
import type { Cli } from '../command.js';

export function printConfig({ json }: { json: boolean }, { terminal, env }: Pick<Cli, 'terminal' | 'env'>): void {
  const lines = [...describeConfig(env), ...describeDestinationOptions(env)];
  if (json) terminal.json(lines);
  else for (const { name, value, source, meaning } of lines) terminal.say(`${name}=${value}  (${source})\n    ${meaning}`);
  readConfig(env);
  readDestinationOptions(env);
}
