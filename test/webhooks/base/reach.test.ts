import { describe, expect, it } from 'vitest';
import { createReach, type ReachSettings } from '../../../src/webhooks/base/reach.js';

/** A resolver that knows these names and no other. */
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
const vetUrl = (url: string, settings: Partial<ReachSettings> = {}) =>
  createReach({ allowedNetworks: [], lookup: PUBLIC, ...settings }).vetUrl(url);

describe('a callback URL', () => {
  it.each([
    'https://receiver.example/hook',
    'https://receiver.example:8443/?a=b#c',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://bücher.example/',
    'HTTPS://Receiver.Example./',
    'https://under_score.example/',
  ])('%s is accepted', async (url) => {
    expect(await vetUrl(url)).toBeNull();
  });

  it.each([
    '',
    'receiver.example',
    '//receiver.example',
    'ftp://receiver.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    'https:receiver.example',
    'https:///receiver.example',
    'https://',
    'https://?',
    'https://user@receiver.example/',
    'https://user:pw@receiver.example/',
    'https://@receiver.example/',
    'https://receiver.example:0/',
    'https://receiver.example:99999/',
    'https://receiver.example/\n',
    'https://rec\teiver.example/',
    'https://receiver.example\\@127.0.0.1/',
    ' https://receiver.example/',
    `https://receiver.example/${'x'.repeat(3000)}`,
    'http://receiver.example/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[fe80::1%25eth0]/',
    'https://[::]/',
    'https://１２７.0.0.1/',
    'https://127。0。0。1/',
    'https://169.254.169.254/latest/meta-data',
    'https://0xa9fea9fe/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    'https://localhost..../',
    'https://168.63.129.16/',
    'http://127.0.0.1/',
    'https://a..b/',
    'https://%6c%6f%63alhost/',
    'https://ⓛocalhost/',
    'https://loc%00alhost/',
  ])('%j is refused, and no resolver asked', async (url) => {
    const lookup = async () => expect.unreachable();
    expect(await vetUrl(url, { lookup })).toEqual({ field: 'callbackUrl', message: expect.any(String) });
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
