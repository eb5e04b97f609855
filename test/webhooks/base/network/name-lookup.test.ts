// Tests the lookup of names against a real DNS server.
import { afterEach, expect, it } from 'vitest';
import { createNameLookup } from '../../../../src/webhooks/base/network/name-lookup.js';
import { type DnsServer, startDnsServer } from '../../../support/dns-server.js';

let dns: DnsServer;
afterEach(() => dns.close());

const V4 = { address: '192.0.2.7', family: 4 };

it('answers at once beside a hundred names whose servers are silent', async () => {
  dns = await startDnsServer([[V4.address]]);
  dns.behave = (name) => (name.endsWith('.silent.example') ? 'silent' : 'answer');
  const lookup = createNameLookup({ privateNames: true, servers: [dns.address] });
  const outcomes: string[] = [];
  const silent = Array.from({ length: 100 }, (_, i) =>
    lookup(`n${i}.silent.example`).then(
      () => outcomes.push('found'),
      ({ code }) => outcomes.push(code),
    ),
  );
  expect(await lookup('fine.example')).toEqual([V4]);
  // All lookups of silent names still wait.
  expect(outcomes).toEqual([]);
  await Promise.all(silent);
  expect(new Set(outcomes)).toEqual(new Set(['ETIMEOUT']));
});

it('takes what another source of the system knows, where private names are allowed', async () => {
  dns = await startDnsServer([[]]);
  dns.behave = () => 'NXDOMAIN';
  const inside = { address: '10.0.0.9', family: 4 };
  const at = { servers: [dns.address], systemLookup: async () => [inside] };
  expect(await createNameLookup({ privateNames: true, ...at })('svc.shop')).toEqual([inside]);
  await expect(createNameLookup({ privateNames: false, ...at })('svc.shop')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

it('takes what the system knows where no DNS server runs', async () => {
  dns = await startDnsServer([[]]);
  const gone = await startDnsServer([[]]);
  gone.close();
  const lookup = createNameLookup({ privateNames: false, servers: [gone.address], systemLookup: async () => [V4] });
  expect(await lookup('fine.example')).toEqual([V4]);
});

it('looks up one unknown name in a thread at a time, and no name twice within a minute', async () => {
  dns = await startDnsServer([[]]);
  dns.behave = () => 'NXDOMAIN';
  const started: string[] = [];
  const fail: (() => void)[] = [];
  const systemLookup = (host: string) =>
    new Promise<never>((_, reject) => {
      started.push(host);
      fail.push(() => reject(Object.assign(new Error('late'), { code: 'EAI_AGAIN' })));
    });
  const lookup = createNameLookup({ privateNames: true, servers: [dns.address], systemLookup });
  const both = Promise.allSettled([lookup('a.example'), lookup('b.example')]);
  await expect.poll(() => started).toHaveLength(1);
  fail[0]?.();
  await expect.poll(() => started).toHaveLength(2);
  fail[1]?.();
  await both;
  await expect(lookup('a.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(started.sort()).toEqual(['a.example', 'b.example']);
});

it('reads /etc/hosts, which DNS knows nothing of', async () => {
  dns = await startDnsServer([[V4.address]]);
  const lookup = createNameLookup({ privateNames: false, servers: [dns.address] });
  expect(await lookup('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 });
  expect(dns.questions()).toBe(0);
});
