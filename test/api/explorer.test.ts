import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createExplorer, type ExplorerOptions } from '../../src/api/explorer.js';
import { TABS } from '../../src/sample/explorer-tabs.js';

const TOKEN = 'hg_the-token-of-this-start';
const LOCAL: ExplorerOptions = { endpoint: '/api', host: '127.0.0.1', baseUrl: 'http://127.0.0.1:4000', localToken: TOKEN, tabs: TABS };

function request(headers: Record<string, string> = {}, remoteAddress = '127.0.0.1'): IncomingMessage {
  return { headers: { host: '127.0.0.1:4000', ...headers }, socket: { remoteAddress } } as unknown as IncomingMessage;
}

const shows = async (options: Partial<ExplorerOptions>, from = request()): Promise<boolean> =>
  String((await createExplorer({ ...LOCAL, ...options })(from)).body).includes(options.localToken ?? TOKEN);

describe('the token', () => {
  it.each([
    ['by address', '127.0.0.1:4000', '127.0.0.1'],
    ['by name', 'localhost:4000', '127.0.0.1'],
    ['over IPv6', '[::1]:4000', '::1'],
    ['over IPv4 in IPv6', 'localhost', '::ffff:127.0.0.1'],
  ])('is filled in on a local start, for whoever asks from this machine %s', async (_how, host, remoteAddress) => {
    expect(await shows({}, request({ host }, remoteAddress))).toBe(true);
  });

  it.each([
    ['that has none', { localToken: null }],
    ['that listens on all addresses', { host: '0.0.0.0' }],
    ['that listens on a public address', { host: '192.0.2.7' }],
    ['with a public address', { baseUrl: 'https://hooks.example.com' }],
  ])('is not filled in on a start %s', async (_which, options) => {
    expect(await shows(options)).toBe(false);
  });

  it.each([
    ['from another machine', request({}, '192.0.2.7')],
    ['by a name that is somebody else’s', request({ host: 'rebound.example:4000' })],
    ['by a name that only begins like ours', request({ host: '127.0.0.1.rebound.example' })],
    ['without a readable name', request({ host: ']' })],
    ...[
      'me@127.0.0.1',
      'rebound.example@localhost',
      '0x7f.1',
      '2130706433',
      '127.1',
      '①②⑦.0.0.1',
      'localhost/',
      '127.0.0.1#',
      '127.0.0.1\\x',
      ' localhost',
      'localhost:4000:1',
      'localhost.',
    ].map((host): [string, IncomingMessage] => [`by the notation ${host}`, request({ host })]),
    ['through a proxy', request({ 'x-forwarded-for': '192.0.2.7' })],
    ['through a proxy of the new kind', request({ forwarded: 'for=192.0.2.7' })],
  ])('is not filled in for whoever asks %s', async (_how, from) => {
    expect(await shows({}, from)).toBe(false);
  });

  it('is not told to the next one who asks from elsewhere', async () => {
    const explorer = createExplorer(LOCAL);
    expect((await explorer(request())).body).toContain(TOKEN);
    expect((await explorer(request({}, '192.0.2.7'))).body).not.toContain(TOKEN);
  });

  it('is left out where it could end the script that it stands in', async () => {
    expect(await shows({ localToken: '</script><script>alert(1)</script>' })).toBe(false);
  });
});

it('runs its one script, and nothing else, from nowhere else, in nobody’s frame', async () => {
  const policy = (await createExplorer(LOCAL)(request())).headers?.['Content-Security-Policy'] ?? '';
  expect(policy).toMatch(/^default-src 'none'; .*script-src 'sha256-[A-Za-z0-9+/]{43}='; /);
  expect(policy).toContain("connect-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
});
