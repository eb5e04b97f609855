// Migrates an empty database of a run, without sample data.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/product/main.mjs', import.meta.url));

export async function seedDatabase(url: string): Promise<void> {
  const child = spawn(process.execPath, [MAIN, 'migrate'], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`hookgraph migrate ended with ${code}:\n${output}`);
}
