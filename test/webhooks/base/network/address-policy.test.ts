import { describe, expect, it } from 'vitest';
import { createReach, type ReachSettings } from '../../../../src/webhooks/base/network/address-policy.js';
import { GOOD, HOSTILE } from './hostile-urls.js';
import { carriers, METADATA, NOT_PUBLIC, notations } from './notations.js';

/** A resolver that knows only these names. */
const names =
  (known: Record<string, string[]>): ReachSettings['lookup'] =>
  async (host) => {
    const addresses = known[host];
    if (!addresses) throw Object.assign(new Error(`no ${host}`), { code: 'ENOTFOUND' });
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
const PUBLIC = names({
  'receiver.example': ['8.8.8.8', '2606:4700::1111'],
  'xn--bcher-kva.example': ['8.8.8.8'],
  'under_score.example': ['8.8.8.8'],
});
const NEVER = async () => expect.unreachable('a resolver was asked');
const vetUrl = (url: string, settings: Partial<ReachSettings> = {}) =>
  createReach({ allowedNetworks: [], lookup: PUBLIC, ...settings }).vetUrl(url);

const FAMILIES: [string, RegExp][] = [
  ...NOT_PUBLIC.flatMap(notations).map((url): [string, RegExp] => [url, /: \S+ is not public/]),
  ...METADATA.flatMap(notations).map((url): [string, RegExp] => [url, /: \S+ is a cloud metadata address/]),
  ...['127.0.0.1', '10.0.0.1', '169.254.169.254', '8.8.8.8'].flatMap(carriers).map((url): [string, RegExp] => [url, /: \S+ is not public/]),
];

describe('a callback URL', () => {
  it.each(GOOD)('%s is accepted', async (url) => {
    expect(await vetUrl(url)).toBeNull();
  });

  it.each(HOSTILE)('%j is refused, and no resolver asked', async (url, message) => {
    expect(await vetUrl(url, { lookup: NEVER })).toEqual({ field: 'callbackUrl', message: expect.stringMatching(message) });
  });

  // One test covers all notations, because the first failure is enough.
  it(`is refused in each of ${FAMILIES.length} notations of an address that is not public, and no resolver asked`, async () => {
    for (const [url, message] of FAMILIES)
      expect([url, await vetUrl(url, { lookup: NEVER })]).toEqual([url, { field: 'callbackUrl', message: expect.stringMatching(message) }]);
    expect(new Set([...FAMILIES, ...HOSTILE].map(([url]) => url)).size).toBeGreaterThan(1000);
  });

  it('of a metadata service is refused in an allowed network, too', async () => {
    const allowedNetworks = ['0.0.0.0/0', '::/0'];
    for (const url of METADATA.flatMap(notations)) expect(await vetUrl(url, { allowedNetworks })).not.toBeNull();
    for (const url of ['https://[fd00:ec2::254]/', 'http://metadata.google.internal/', 'https://metadata/'])
      expect(await vetUrl(url, { allowedNetworks, lookup: NEVER })).toMatchObject({ message: expect.stringContaining('cloud metadata') });
  });

  it.each([
    ['private', ['10.1.2.3']],
    ['public and private', ['8.8.8.8', '10.1.2.3']],
    ['loopback in IPv6 notation', ['::ffff:127.0.0.1']],
    ['a metadata service', ['169.254.169.254']],
    ['with a zone', ['fe80::1%eth0']],
    ['no address', ['nonsense']],
  ])('whose name leads to an address that is %s is refused by a sentence that tells no address and no kind', async (_, addresses) => {
    expect(await vetUrl('https://trap.example/', { lookup: names({ 'trap.example': addresses }) })).toEqual({
      field: 'callbackUrl',
      message: 'is not allowed as a target: "trap.example" resolves to an address that is not public',
    });
  });

  it('may name what is inside where a network is allowed', async () => {
    const settings = {
      allowedNetworks: ['10.0.0.0/8'],
      lookup: names({ receiver: ['10.1.2.3'], 'a.internal': ['10.1.2.4'], db: ['192.168.0.1'] }),
    };
    expect(await vetUrl('http://receiver:8080/', settings)).toBeNull();
    expect(await vetUrl('https://a.internal/', settings)).toBeNull();
    expect(await vetUrl('https://db/', settings)).not.toBeNull();
  });

  it('that leads to a part of ours inside of a network that is not allowed gets the refusal that any other gets', async () => {
    const lookup = names({ 'db.example': ['10.0.0.5'], 'other.example': ['10.0.0.6'] });
    const told = async (host: string) => {
      const settings = {
        forbiddenEndpoints: [
          { host: 'db.example', port: 6000 },
          { host: '10.0.0.7', port: 6000 },
        ],
        allowedPorts: '6000',
        lookup,
      };
      return (await vetUrl(`https://${host}:6000/`, settings))?.message.replaceAll(host, 'HOST');
    };
    expect(await told('db.example')).toBe(await told('other.example'));
    expect(await told('10.0.0.5')).toBe(await told('10.0.0.6'));
    expect(await told('10.0.0.7')).toBe(await told('10.0.0.6'));
  });

  it('may use the ports that are configured, and no other', async () => {
    const allowedPorts = '443, 8000-8100 !8080';
    for (const port of [443, 8000, 8100]) expect(await vetUrl(`https://receiver.example:${port}/`, { allowedPorts })).toBeNull();
    for (const port of [80, 7999, 8080, 8101])
      expect(await vetUrl(`https://receiver.example:${port}/`, { allowedPorts })).toMatchObject({
        message: `is not allowed as a target: deliveries may not use port ${port}; the operator sets the allowed ports with HOOKGRAPH_ALLOWED_PORTS`,
      });
    for (const wrong of ['', 'https', '0', '1-70000', '9-8', '!80', '80;443'])
      expect(() => createReach({ allowedNetworks: [], allowedPorts: wrong })).toThrow(/is not a list of ports/);
  });

  it('may be http where it leads to an allowed network only', async () => {
    const allowedNetworks = ['127.0.0.0/8', '::1/128'];
    for (const url of ['http://127.0.0.1:8080/', 'http://localhost:8080/', 'http://[::1]/', 'https://localhost/', 'http://0x7f.1/'])
      expect(await vetUrl(url, { allowedNetworks })).toBeNull();
    for (const url of ['http://8.8.8.8/', 'http://10.0.0.1/', 'https://10.0.0.1/', 'http://receiver.example/'])
      expect(await vetUrl(url, { allowedNetworks })).toMatchObject({ field: 'callbackUrl' });
  });

  it('whose name does not resolve yet is a doubt with https and a mistake with http', async () => {
    expect(await vetUrl('https://nowhere.invalid/')).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining("doesn't resolve"),
    });
    const http = await vetUrl('http://nowhere.invalid/', { allowedNetworks: ['10.0.0.0/8'] });
    expect(http).toEqual({ field: 'callbackUrl', message: expect.stringContaining("doesn't resolve") });
  });
});
