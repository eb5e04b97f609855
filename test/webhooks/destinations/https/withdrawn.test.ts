import type { RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { Withdrawn } from '../../../../src/webhooks/base/network/guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { tlsFile } from '../../../support/tls-file.js';

it.each([
  ['2.0', createSecureServer as unknown as typeof createServer],
  ['1.1', createServer],
])('withdraws a request that may not be sent when the connection is there, new or kept, over HTTP/%s', async (version, start) => {
  const taken: string[] = [];
  let asked = 0;
  const answer: RequestListener = ({ url, httpVersion }, response) => {
    taken.push(`${httpVersion} ${url}`);
    response.end();
  };
  const server = start({ key: tlsFile('key'), cert: tlsFile('receiver') }, answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], caCertificates: [tlsFile('ca')] });
  const { send, close } = openHttpsDestination(guard);
  onTestFinished(async () => {
    await close();
    guard.close();
    server.close();
  });
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (path: string, isAllowed: boolean | Error) =>
    send({ url: `${origin}${path}`, origin, headers: {}, body: Buffer.from('{}') }, undefined, async () => {
      asked += 1;
      if (isAllowed instanceof Error) throw isAllowed;
      return isAllowed;
    });
  // A failing permission check, on a new and on a kept connection, ends no process: vitest fails on unhandled rejections.
  const broken = new Error('terminating connection due to administrator command');
  await post('/broken', broken).catch(() => {});
  for (const path of ['/first', '/second']) {
    await expect(post('/withdrawn', false)).rejects.toBeInstanceOf(Withdrawn);
    expect(await post(path, true)).toMatchObject({ kind: 'REPLY', status: 200 });
  }
  await post('/broken', broken).catch(() => {});
  // The permission is checked once for each request.
  expect(asked).toBe(6);
  expect(taken).toEqual([`${version} /first`, `${version} /second`]);
});
