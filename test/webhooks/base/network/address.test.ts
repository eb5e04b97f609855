import { describe, expect, it } from 'vitest';
import { isAllowed, isBlocked } from '../../../../src/webhooks/base/network/address.js';

const NONE: string[] = [];

describe('an address', () => {
  it.each([
    // Addresses that aren't public.
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '169.254.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.1',
    '192.0.0.192',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '198.19.255.255',
    '192.88.99.1',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '::',
    '::1',
    '0:0:0:0:0:0:0:1',
    'fe80::1',
    'fe80::1%eth0',
    '::1%lo',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '2001:10::1',
    '2001:20::1',
    '2001:2::1',
    '100::1',
    '5f00::1',
    '4000::1',
    'e000::1',
    // IPv4 addresses inside IPv6.
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::ffff:168.63.129.16',
    '::127.0.0.1',
    '::7f00:1',
    '::8.8.8.8',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::808:808',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '::ffff:0:127.0.0.1',
    '2606:4700::5efe:7f00:1',
    '2606:4700::200:5efe:a00:1',
    // These texts aren't addresses: their meaning depends on the resolver.
    '',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.1.',
    ' 127.0.0.1',
    '8.8.8.8/0',
    '8.8.8',
    '1::2::3',
    '[::1]',
  ])('%j is blocked', (address) => {
    expect(isBlocked(address, NONE)).toEqual(expect.any(String));
    expect(isAllowed(address, NONE)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001:81b::200e',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ])('%s is public', (address) => {
    expect(isBlocked(address, NONE)).toBeNull();
    expect(isAllowed(address, NONE)).toBe(false);
  });

  it('may be in an allowed network, in each of its notations, and its neighbours are not', () => {
    const loopback = ['127.0.0.0/8', '::1/128'];
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
      expect(isBlocked(address, loopback)).toBeNull();
      expect(isAllowed(address, loopback)).toBe(true);
    }
    for (const address of ['10.0.0.1', '::', 'fe80::1', '::1%lo', '126.0.0.1'])
      if (address !== '126.0.0.1') expect(isBlocked(address, loopback)).not.toBeNull();
      else expect(isAllowed(address, loopback)).toBe(false);
    expect(isBlocked('10.1.2.3', ['10.1.2.3'])).toBeNull();
    expect(() => isBlocked('10.1.2.3', ['ten'])).toThrow(/"ten" is not a network/);
  });
});
