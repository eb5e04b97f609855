// Tests with real connections which certificates are accepted and which address a name leads to.
import { createServer as createPlain } from 'node:http';
import { createServer, get } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { tlsMessage } from '../../../../src/webhooks/destinations/tls-message.js';
import { startDnsServer } from '../../../support/dns-server.js';
import { tlsFile } from '../../../support/tls-file.js';

const ALLOWED = { allowedNetworks: ['127.0.0.1/32'] };
const TRUSTED = { caCertificates: [tlsFile('ca')] };
const MUTUAL = { requestCert: true, rejectUnauthorized: true, ca: tlsFile('ca') };
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listening(server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Starts a receiver that counts its requests. */
async function receiver(certificate: Parameters<typeof tlsFile>[0]): Promise<{ port: number; came(): number }> {
  let count = 0;
  const server = createServer({ key: tlsFile('key'), cert: tlsFile(certificate) }, (_request, response) => {
    count += 1;
    response.end('hello');
  });
  return { port: await listening(server), came: () => count };
}

function sender(settings: Partial<Parameters<typeof createGuard>[0]> = {}) {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const guard = createGuard({ ...ALLOWED, lookup, ...settings });
  const destination = openHttpsDestination(guard);
  open.push(() => destination.close(), guard.close);
  const send = (origin: string) => destination.send({ url: `${origin}/`, origin, headers: {}, body: Buffer.from('{}') });
  return { guard, send };
}

const refusedFor = (message: RegExp) => ({ kind: 'NO_REPLY', stage: 'CONNECT', message: expect.stringMatching(message) });

describe("a receiver's certificate", () => {
  it('by a private authority is accepted where that one is configured, for the name and for the address in it', async () => {
    const { port } = await receiver('receiver');
    const { send, guard } = sender(TRUSTED);
    for (const host of ['receiver.example', 'receiver.example.', '127.0.0.1'])
      expect(await send(`https://${host}:${port}`)).toMatchObject({ kind: 'REPLY', status: 200 });
    const viaAgent = new Promise((resolve, reject) => {
      get(`https://receiver.example:${port}/`, { agent: guard.httpsAgent }, (response) => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      );
    });
    expect(await viaAgent).toBe(200);
  });

  it.each([
    [
      'by an authority that nobody configured',
      'receiver',
      {},
      /unable to (verify|get)/,
      /^The receiver's certificate can't be verified: the server doesn't send an intermediate certificate, or .* Install the full chain/,
    ],
    [
      'signed by itself',
      'self-signed',
      TRUSTED,
      /self[- ]signed/,
      /^The receiver's certificate is signed by itself .* Install a certificate of a public/,
    ],
  ] as const)('%s is refused, whatever the environment says', async (_, certificate, settings, message, explained) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    open.push(() => vi.unstubAllEnvs());
    const { port, came } = await receiver(certificate);
    const { send, guard } = sender(settings);
    expect(await send(`https://receiver.example:${port}`)).toEqual({ ...refusedFor(explained), sendMs: expect.any(Number) });
    const viaAgent = new Promise((resolve, reject) => {
      get(`https://receiver.example:${port}/`, { agent: guard.httpsAgent, rejectUnauthorized: false }, resolve).on('error', reject);
    });
    await expect(viaAgent).rejects.toThrow(message);
    expect(came()).toBe(0);
  });
});

it('a port that speaks no TLS is named as the cause', async () => {
  const port = await listening(createPlain());
  expect(await sender().send(`https://receiver.example:${port}`)).toMatchObject(
    refusedFor(/^The receiver does not use TLS on this port\./),
  );
});

describe('a TLS handshake that fails says why', () => {
  it.each<[string, TlsOptions, RegExp]>([
    [
      'old versions only',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /^The receiver and .* Enable TLS 1\.2/,
    ],
    [
      'a client certificate, over TLS 1.3',
      MUTUAL,
      /^The receiver demands a client certificate .* \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)$/,
    ],
    ['a client certificate, over HTTP/2', { ...MUTUAL, ALPNProtocols: ['h2'] }, /^The receiver demands a client certificate/],
    [
      'a client certificate, over TLS 1.2',
      { ...MUTUAL, maxVersion: 'TLSv1.2' },
      /^The receiver refused the TLS handshake: it demands a client/,
    ],
    ['another protocol', { ALPNProtocols: ['imap'] }, /^The receiver offers neither HTTP\/1\.1 nor HTTP\/2/],
    [
      'another name',
      { SNICallback: (_name, done) => done(new Error('no such name')) },
      /^The receiver closed the connection during the TLS/,
    ],
  ])('%s', async (_, options, message) => {
    const server = createTls({ key: tlsFile('key'), cert: tlsFile('receiver'), ...options });
    const port = await listening(
      Object.assign(
        server.on('tlsClientError', () => {}),
        { closeAllConnections() {} },
      ),
    );
    const { send } = sender(TRUSTED);
    // The first request leaves no connection that the second request could use.
    for (const _time of [1, 2]) expect(await send(`https://receiver.example:${port}`)).toMatchObject(refusedFor(message));
  });

  it.each([
    [{ code: 'INVALID_PURPOSE', message: 'unsuitable certificate purpose' }, /has serverAuth\. \(INVALID_PURPOSE\)$/],
    [{ code: 'UNSPECIFIED', message: 'CA signature digest algorithm too weak' }, /too weak\. Install one with an RSA key/],
    [{ code: 'ERR_SSL_DH_KEY_TOO_SMALL', reason: 'dh key too small', message: '80:error:0A' }, /too weak/],
    [
      { code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', reason: 'ssl/tls alert handshake failure', message: '80:error:0A' },
      /usual cipher suites/,
    ],
    [
      { code: 'ERR_SSL_DECODE_ERROR', reason: 'decode error', message: '80:error:0A' },
      /^The TLS handshake with the receiver failed: decode error\. \(/,
    ],
  ])('%o', (error, message) => {
    expect(tlsMessage(Object.assign(new Error(error.message), error))).toMatch(message);
  });

  it('an error without TLS has no such message', () => {
    expect(tlsMessage(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toBeNull();
  });
});

it('name servers that give no answer are named as the cause', async () => {
  const { send } = sender({ lookup: () => new Promise(() => {}), limits: { connectMs: 300 } });
  expect(await send('https://silent.example')).toMatchObject({
    stage: 'ADDRESS',
    message: 'The name servers of the receiver gave no answer in time. Check the DNS of its domain.',
  });
});

describe('a name whose answer changes', () => {
  async function plainReceiver() {
    const asked: (string | undefined)[] = [];
    const port = await listening(createPlain(({ headers }, response) => void response.end(asked.push(headers.host).toString())));
    return { port, asked };
  }

  it('does not move a connection: one question, and the socket goes where its answer was vetted', async () => {
    const { port, asked } = await plainReceiver();
    const dns = await startDnsServer([['127.0.0.1'], ['10.1.2.3']]);
    open.push(dns.close);
    const { send } = sender({ lookup: dns.lookup });
    const origin = `http://rebinding.example:${port}`;
    expect(await send(origin)).toMatchObject({ kind: 'REPLY', status: 200 });
    expect({ questions: dns.questions(), asked }).toEqual({ questions: 1, asked: [`rebinding.example:${port}`] });
    // A new connection resolves the name again and sees the change.
    expect(await sender({ lookup: dns.lookup }).send(origin)).toMatchObject({ kind: 'NO_REPLY', stage: 'ADDRESS' });
  });

  it('is public when it is saved and loopback when it is used: refused, by a sentence that tells no address', async () => {
    const { port, asked } = await plainReceiver();
    const dns = await startDnsServer([['93.184.216.34'], ['127.0.0.1']]);
    open.push(dns.close);
    const { guard, send } = sender({ allowedNetworks: [], lookup: dns.lookup });
    const origin = `https://rebinding.example:${port}`;
    expect(await guard.vetUrl(`${origin}/`)).toBeNull();
    expect(await send(origin)).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'ADDRESS',
      message: 'Refused to connect: "rebinding.example" resolves to an address that is not public.',
    });
    expect({ questions: dns.questions(), asked }).toEqual({ questions: 2, asked: [] });
  });

  it('is refused for one bad address among good ones, in whatever order they come', async () => {
    const { port, asked } = await plainReceiver();
    for (const answer of [
      ['127.0.0.1', '10.1.2.3'],
      ['10.1.2.3', '127.0.0.1'],
    ]) {
      const dns = await startDnsServer([answer]);
      open.push(dns.close);
      expect(await sender({ lookup: dns.lookup }).send(`http://mixed.example:${port}`)).toMatchObject({ stage: 'ADDRESS' });
    }
    expect(asked).toEqual([]);
  });
});

it('a refusal is the same whether something listens there or not', async () => {
  const { port } = await receiver('receiver');
  const { send } = sender({ allowedNetworks: [] });
  const closed = await listening(createServer());
  await (open.pop() as () => unknown)();
  const answers = await Promise.all([port, closed].map((one) => send(`https://receiver.example:${one}`)));
  expect(answers.map((answer) => answer.kind === 'NO_REPLY' && answer.message)).toEqual(
    Array(2).fill('Refused to connect: "receiver.example" resolves to an address that is not public.'),
  );
});
