import { beforeEach, describe, expect, it } from 'vitest';
import { groupOf, NetworkEvidence, type NetworkFailure, suspicionOf } from '../../../../src/webhooks/base/network/evidence.js';

const coded = (code: string, address?: string) => Object.assign(new Error(code), { code, ...(address && { address }) });
const both = (...errors: Error[]) => Object.assign(new AggregateError(errors), { code: (errors[0] as Error & { code: string }).code });

describe('suspicionOf', () => {
  it.each([
    ['EMFILE', 'LOCAL'],
    ['ENFILE', 'LOCAL'],
    ['ENOBUFS', 'LOCAL'],
    ['ENOMEM', 'LOCAL'],
    ['ENETUNREACH', 'LIKELY'],
    ['ENETDOWN', 'LIKELY'],
    ['EADDRNOTAVAIL', 'LIKELY'],
    ['EACCES', 'LIKELY'],
    ['EPERM', 'LIKELY'],
    ['ECONNREFUSED', 'POSSIBLE'],
    ['EHOSTUNREACH', 'POSSIBLE'],
    ['ETIMEDOUT', 'POSSIBLE'],
    ['UND_ERR_CONNECT_TIMEOUT', 'POSSIBLE'],
  ])('takes %s of a connection for %s', (code, suspicion) => {
    expect(suspicionOf(coded(code), 'CONNECT')).toEqual({ suspicion, code });
  });

  it.each([
    ['ENOTFOUND', 'POSSIBLE'],
    ['ENODATA', 'POSSIBLE'],
    ['EAI_AGAIN', 'LIKELY'],
    ['ESERVFAIL', 'LIKELY'],
    ['ETIMEOUT', 'LIKELY'],
    ['ECONNREFUSED', 'LIKELY'],
    ['EMFILE', 'LOCAL'],
  ])('takes %s of a lookup for %s', (code, suspicion) => {
    expect(suspicionOf(coded(code), 'NAME').suspicion).toBe(suspicion);
  });

  it('goes by the least suspicious of several addresses, and by none that is IPv6 alone', () => {
    const v6 = coded('ENETUNREACH', '2001:db8::1');
    expect(suspicionOf(v6, 'CONNECT').suspicion).toBe('POSSIBLE');
    expect(suspicionOf(both(v6, coded('ECONNREFUSED', '192.0.2.1')), 'CONNECT').suspicion).toBe('POSSIBLE');
    expect(suspicionOf(both(v6, coded('ENETUNREACH', '192.0.2.1')), 'CONNECT').suspicion).toBe('LIKELY');
  });
});

it('groups hosts that one owner may have', () => {
  expect(['a.b.example.com', 'example.com'].map(groupOf)).toEqual(['example.com', 'example.com']);
  expect(groupOf('hooks.shop.co.uk')).toBe('shop.co.uk');
  expect([groupOf('192.0.2.1'), groupOf('192.0.2.99'), groupOf('198.51.100.1')]).toEqual(['192.0.2', '192.0.2', '198.51.100']);
});

describe('a failure', () => {
  let now = 0;
  let evidence: NetworkEvidence;
  beforeEach(() => {
    now = 1_000_000;
    evidence = new NetworkEvidence(() => now);
  });
  const failure = (host: string, more: Partial<NetworkFailure> = {}): NetworkFailure => ({
    step: 'CONNECT',
    suspicion: 'POSSIBLE',
    host,
    code: 'X',
    ...more,
  });
  const name = { step: 'NAME', suspicion: 'LIKELY' } as const;

  it('that only this machine can cause is always ours', () => {
    evidence.worked('CONNECT', 'good.example');
    expect(evidence.judge(failure('a.example', { suspicion: 'LOCAL' }), 'one')).toBe('OURS');
  });

  it('of the resolver is ours until other names are resolved, and again when more fail than work', () => {
    expect(evidence.judge(failure('lame.example', name), 'one')).toBe('OURS');
    now += 1000;
    evidence.worked('NAME', 'www.lame.example');
    evidence.worked('NAME', 'localhost');
    evidence.worked('NAME', '192.0.2.1');
    expect(evidence.judge(failure('lame.example', name), 'one')).toBe('OURS');
    now += 1000;
    evidence.worked('NAME', 'good.example');
    expect(evidence.judge(failure('lame.example', name), 'one')).toBe('THEIRS');
    expect(evidence.judge(failure('hooks.good.example', name), 'two')).toBe('OURS');
    // The resolver's cache may still answer for one name, but failures of this many organizations outweigh that.
    now += 1;
    evidence.worked('NAME', 'cached.example');
    now += 1;
    for (const [host, tenant] of [
      ['b.example', 'three'],
      ['c.example', 'four'],
      ['good.example', 'two'],
    ] as const)
      expect(evidence.judge(failure(host, name), tenant)).toBe('OURS');
  });

  it('of the resolver is never ours for one organization with many dead names beside one that works', () => {
    for (let i = 0; i < 20; i++) evidence.judge(failure(`dead-${i}.example`.replace('.', `.x${i}.`), name), 'one');
    now += 1;
    evidence.worked('NAME', 'www.good.org');
    for (let i = 0; i < 20; i++) expect(evidence.judge(failure(`dead-${i}.example`.replace('.', `.x${i}.`), name), 'one')).toBe('THEIRS');
  });

  it('of three unrelated receivers at once is ours while none works', () => {
    expect(evidence.judge(failure('a.one.com'), 'one')).toBe('THEIRS');
    expect(evidence.judge(failure('b.two.com'), 'two')).toBe('THEIRS');
    expect(evidence.judge(failure('c.three.com'), 'three')).toBe('OURS');
    // Earlier failures that are repeated now count as OURS, too.
    expect(evidence.judge(failure('a.one.com'), 'one')).toBe('OURS');
    now += 1000;
    evidence.worked('CONNECT', 'good.org');
    expect(evidence.judge(failure('a.one.com'), 'one')).toBe('THEIRS');
    expect(evidence.judge(failure('c.three.com'), 'three')).toBe('THEIRS');
  });

  it('is in doubt where others are under way, and theirs when those have worked', () => {
    for (const host of ['x.one.com', 'x.two.com', 'x.three.com']) evidence.worked('CONNECT', host);
    now += 1;
    expect(evidence.judge(failure('x.one.com'), 'one')).toBe('UNSURE');
    expect(evidence.judge(failure('x.two.com'), 'two')).toBe('UNSURE');
    now += 400;
    evidence.worked('CONNECT', 'x.three.com');
    expect(evidence.judge(failure('x.one.com'), 'one')).toBe('THEIRS');
    expect(evidence.judge(failure('x.two.com'), 'two')).toBe('THEIRS');
  });

  it.each([
    ['one organization', ['a.one.com', 'b.two.com', 'c.three.com', 'd.four.com'], () => 'one'],
    ['one name', ['a.one.com', 'b.one.com', 'c.one.com', 'd.one.com'], (i: number) => `${i}`],
  ])('of %s alone is theirs, however many receivers fail', (_, hosts, tenant) => {
    for (const [i, host] of hosts.entries()) expect(evidence.judge(failure(host), tenant(i))).not.toBe('OURS');
    for (const [i, host] of hosts.entries()) expect(evidence.judge(failure(host), tenant(i))).not.toBe('OURS');
  });

  it('of receivers that failed before, while others worked, is no sign of an outage', () => {
    for (const [i, host] of ['a.one.com', 'b.two.com', 'c.three.com'].entries()) {
      evidence.judge(failure(host), `${i}`);
      now += 1;
      evidence.worked('CONNECT', 'good.org');
      now += 120_000;
    }
    for (const [i, host] of ['a.one.com', 'b.two.com', 'c.three.com'].entries())
      expect(evidence.judge(failure(host), `${i}`)).not.toBe('OURS');
  });

  it('towards the internet is not disproved by a receiver inside', () => {
    evidence.noteNetwork('inside.local', '10.0.0.1');
    evidence.judge(failure('a.one.com', { suspicion: 'LIKELY' }), 'one');
    now += 1;
    evidence.worked('CONNECT', 'inside.local');
    expect(evidence.judge(failure('a.one.com', { suspicion: 'LIKELY' }), 'one')).toBe('OURS');
  });
});
