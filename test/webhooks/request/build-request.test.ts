import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Compiled } from '../../../src/webhooks/base/compiled.js';
import type { Settings } from '../../../src/webhooks/base/engine.js';
import { buildRequest } from '../../../src/webhooks/destinations/https/message.js';

const settings: Settings = {
  domain: 'api.example',
  headerPrefix: 'X-Scope-',
  allowedNetworks: [],
  queryLimits: { fields: 1000, depth: 12, cost: 25_000 },
};
const compiled = {
  subscriptionId: '5f0c…',
  version: 1,
  topic: { key: 'user/created', version: '1.1' },
  url: 'https://receiver.example/hook',
  origin: 'https://receiver.example',
  headers: { 'x-api-key': 'k1' },
  signatures: ['SCOPE'],
  sharedSecret: 'hush',
  oldSecrets: [],
} as unknown as Compiled;
const at = new Date('2026-11-22T12:00:00.123Z');
const body = { text: '{"name":"Zoë"}', contentType: 'application/json' };

it('carries the headers of the Scope guide and signs the exact bytes', () => {
  const request = buildRequest(settings, compiled, '77', body, at);
  expect(request.headers).toEqual({
    'x-api-key': 'k1',
    'Content-Type': 'application/json',
    'User-Agent': 'Hookgraph',
    'Accept-Encoding': 'identity',
    'X-Scope-Topic': 'user/created',
    'X-Scope-Topic-Version': '1.1',
    'X-Scope-API-Version': '3',
    'X-Scope-Domain': 'api.example',
    'X-Scope-Webhook-Id': '5f0c…',
    'X-Scope-Webhook-Type': 'node',
    'X-Scope-Event-Id': '77',
    'X-Scope-Webhook-Job-Id': '77',
    'X-Scope-Time': '2026-11-22T12:00:00.123Z',
    'X-Scope-Hmac-Sha256': createHmac('sha256', 'hush').update(Buffer.from('{"name":"Zoë"}', 'utf8')).digest('base64'),
  });
});

it('leaves Accept-Encoding to an owner who set it', () => {
  const request = buildRequest(settings, { ...compiled, headers: { 'accept-encoding': 'gzip' } }, '77', body, at);
  expect(request.headers['accept-encoding']).toBe('gzip');
  expect(request.headers).not.toHaveProperty('Accept-Encoding');
});

it('has no signature without a secret, records no value of the owner’s own headers, and takes the installation’s prefix', () => {
  const request = buildRequest({ ...settings, headerPrefix: 'X-Acme-' }, { ...compiled, sharedSecret: null }, '77', body, at);
  expect(Object.keys(request.headers).filter((name) => /hmac/i.test(name))).toEqual([]);
  expect(request.headers['X-Acme-Topic']).toBe('user/created');
  expect(request.recordedHeaders['x-api-key']).toBe('[redacted]');
});

it('names the domain that the API has now', () => {
  buildRequest(settings, compiled, '77', body, at);
  const request = buildRequest({ ...settings, domain: 'moved.example' }, compiled, '77', body, at);
  expect(request.headers['X-Scope-Domain']).toBe('moved.example');
});
