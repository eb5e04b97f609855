// Prints every environment variable with its value, source and meaning, then fails if a value is invalid.
import { describeConfig, readConfig } from '../../runtime/config.js';
import { describeDestinationOptions, readDestinationOptions } from '../../webhooks/index.js';

export function printConfig({ json }: { json: boolean }): void {
  const lines = [...describeConfig(), ...describeDestinationOptions()];
  if (json) console.log(JSON.stringify(lines, null, 2));
  else for (const { name, value, source, meaning } of lines) console.log(`${name}=${value}  (${source})\n    ${meaning}`);
  readConfig();
  readDestinationOptions();
}
