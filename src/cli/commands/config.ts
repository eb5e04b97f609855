// The environment in, every variable with its value, source and meaning out; then complains about a bad value.
import { describeConfig, readConfig } from '../../runtime/config.js';

export function printConfig({ json }: { json: boolean }): void {
  const lines = describeConfig();
  if (json) console.log(JSON.stringify(lines, null, 2));
  else for (const { name, value, source, meaning } of lines) console.log(`${name}=${value}  (${source})\n    ${meaning}`);
  readConfig();
}
