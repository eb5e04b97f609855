// Runs the audit with the real npm against registries that report a vulnerability, report none, or don't support audits.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';

let registry: Server;
afterEach(() => {
  registry.closeAllConnections();
  registry.close();
});

async function audit(status: number, advisories: object) {
  registry = createServer((request, response) => {
    request.resume();
    response.writeHead(request.url?.includes('advisories') ? status : 404, {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    response.end(gzipSync(JSON.stringify(advisories)));
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  const { port } = registry.address() as AddressInfo;
  const child = spawn(process.execPath, ['scripts/audit.mjs'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_registry: `http://127.0.0.1:${port}/` },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output };
}

it('fails and names what is known to be vulnerable', async () => {
  const hole = {
    id: 1,
    url: 'https://advisories.example/1',
    title: 'A hole',
    severity: 'high',
    vulnerable_versions: '<999',
    cwe: [],
    cvss: {},
  };
  const { code, output } = await audit(200, { undici: [hole] });
  expect(output).toContain('high: undici');
  expect(output).toContain('A hole (https://advisories.example/1)');
  expect(code).toBe(1);
});

it('passes where nothing is known', async () => {
  expect(await audit(200, {})).toEqual({ code: 0, output: 'known vulnerable dependencies: 0\n' });
});

it('passes where the registry answers no such question, and says so', async () => {
  expect(await audit(405, {})).toEqual({
    code: 0,
    output: "The registry can't be reached (405): the dependencies were not checked.\n",
  });
});
