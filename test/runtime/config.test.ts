// Tests the environment variables: defaults, values and mistakes.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeConfig, readConfig } from '../../src/runtime/config.js';
import { USUAL_PORTS } from '../../src/runtime/ports.js';
import { tlsFile, tlsPath } from '../support/tls-file.js';

const KEY = Buffer.alloc(32, 7);

describe('readConfig', () => {
  test('gives everything a default', () => {
    expect(readConfig({})).toEqual({
      port: 4000,
      host: '127.0.0.1',
      monitoringPort: null,
      monitoringHost: '127.0.0.1',
      databaseUrl: null,
      databaseSchema: 'hookgraph',
      dataDir: `${process.cwd()}/.hookgraph`,
      baseUrl: 'http://127.0.0.1:4000',
      domain: '127.0.0.1',
      headerPrefix: 'X-Scope-',
      adminToken: null,
      allowedNetworks: ['127.0.0.0/8', '::1/128'],
      allowedPorts: USUAL_PORTS,
      caCertificates: null,
      egressProxy: null,
      encryptionKeys: null,
      rateLimit: 100,
      trustedProxies: [],
      queryMaxFields: 1000,
      queryMaxDepth: 12,
      queryMaxCost: 25_000,
      queryTimeoutMs: 5000,
      requestTimeoutMs: 5000,
      connectTimeoutMs: 4500,
      maxInProgress: 3000,
      maxPerSubscription: 300,
      maxPerOrigin: 200,
      databaseSilenceMs: 8000,
      loopStallMs: 5000,
      stopTimeoutMs: 25_000,
      maxSubscriptionsPerTopic: 1000,
      keepBodiesDays: 7,
      keepAttemptsDays: 30,
      keepErrorsDays: 90,
      keepEventsDays: 90,
      keepGigabytes: 0,
      databaseDiskGigabytes: 0,
      url: null,
      token: null,
      authHeader: null,
      operators: [],
      apiMaxCost: 100_000,
      captureWatchSeconds: 60,
      corsOrigins: [],
      logAttempts: 0,
      logAttemptsLevel: 'info',
      logLevel: 'info',
    });
  });

  test('allows no private network beside a database of ones own, unless told to', () => {
    const DATABASE_URL = 'postgres://me@db/hooks';
    expect(readConfig({ DATABASE_URL }).allowedNetworks).toEqual([]);
    expect(readConfig({ DATABASE_URL, HOOKGRAPH_ALLOWED_NETWORKS: '10.0.0.0/8, fd00::/8 192.168.1.7' }).allowedNetworks).toEqual([
      '10.0.0.0/8',
      'fd00::/8',
      '192.168.1.7/32',
    ]);
  });

  test('an explicit list of networks replaces the default, an empty one too', () => {
    expect(readConfig({ HOOKGRAPH_ALLOWED_NETWORKS: '' }).allowedNetworks).toEqual([]);
    expect(readConfig({ HOOKGRAPH_ALLOWED_NETWORKS: '10.1.0.0/16' }).allowedNetworks).toEqual(['10.1.0.0/16']);
  });

  test('derives the base URL from address and port, and the domain from the base URL', () => {
    expect(readConfig({ HOST: '0.0.0.0', PORT: '80' })).toMatchObject({ baseUrl: 'http://localhost:80', domain: 'localhost' });
    expect(readConfig({ HOST: '::1' }).baseUrl).toBe('http://[::1]:4000');
    expect(readConfig({ HOOKGRAPH_BASE_URL: 'https://hooks.example.com/' })).toMatchObject({
      baseUrl: 'https://hooks.example.com',
      domain: 'hooks.example.com',
    });
  });

  test('reads keys in base64 and hex, newest first', () => {
    const keys = readConfig({ HOOKGRAPH_ENCRYPTION_KEYS: `${KEY.toString('base64')},${KEY.toString('hex')}` }).encryptionKeys;
    expect(keys).toEqual([KEY, KEY]);
  });

  test('takes a variable set to nothing for one that is not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', HOOKGRAPH_ENCRYPTION_KEYS: '' })).toEqual(readConfig({}));
  });

  test('reads the authorities of a CA file, each by itself', () => {
    expect(readConfig({ HOOKGRAPH_CA_FILE: tlsPath('ca') }).caCertificates).toEqual([tlsFile('ca').trim()]);
  });

  test.each([
    ['/nowhere/ca.pem', 'must be a readable file (ENOENT)'],
    ['/', 'must be a readable file (EISDIR)'],
    ['/dev/null', 'must be a file that contains a PEM certificate'],
    [tlsPath('key'), 'must be a file that contains a PEM certificate'],
  ])('refuses the CA file %s', (path, why) => {
    expect(() => readConfig({ HOOKGRAPH_CA_FILE: path })).toThrow(`HOOKGRAPH_CA_FILE is ${JSON.stringify(path)}, but it ${why}`);
  });

  test('refuses a CA file whose certificate is none, and says which', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'hookgraph-ca-')), 'ca.pem');
    await writeFile(path, `${tlsFile('ca')}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
    expect(() => readConfig({ HOOKGRAPH_CA_FILE: path })).toThrow(
      'must be a file of PEM certificates, but certificate 2 in it is not valid',
    );
  });

  test.each(['http://proxy:3128', 'https://user:pa%20ss@proxy.example/', 'http://[::1]:8080'])('takes the proxy %s', (url) => {
    expect(readConfig({ HOOKGRAPH_EGRESS_PROXY: url }).egressProxy).toBe(url);
  });

  test.each(['proxy:3128', 'socks5://proxy:1080', 'http://user:hu%sh@proxy', 'http://user:hush@proxy/path', 'http://user:hush@proxy?x'])(
    'refuses the proxy %s, and tells no password',
    (url) => {
      const read = () => readConfig({ HOOKGRAPH_EGRESS_PROXY: url });
      expect(read).toThrow(/^HOOKGRAPH_EGRESS_PROXY is \(a secret\), but it must be a URL/);
      expect(read).not.toThrow(/hush|hu%sh/);
    },
  );

  test.each([
    ['PORT', 'http', 'PORT is "http", but it must be a whole number from 0 to 65535'],
    ['PORT', '70000', 'PORT is "70000", but it must be a whole number from 0 to 65535'],
    ['HOOKGRAPH_BASE_URL', 'ftp://x', 'HOOKGRAPH_BASE_URL is "ftp://x", but it must be a URL like https://hooks.example.com'],
    [
      'HOOKGRAPH_HEADER_PREFIX',
      'X Scope',
      'HOOKGRAPH_HEADER_PREFIX is "X Scope", but it must be a prefix of a header name that ends with a hyphen, like X-Scope-',
    ],
    ['HOOKGRAPH_ALLOWED_PORTS', 'https', 'HOOKGRAPH_ALLOWED_PORTS is "https", but it must be a list of ports like 443,8000-8999,!8500'],
    ['HOOKGRAPH_ALLOWED_NETWORKS', 'lan', 'HOOKGRAPH_ALLOWED_NETWORKS is "lan", but it must be a list of networks like 10.0.0.0/8,::1/128'],
    ['HOOKGRAPH_LOG_LEVEL', 'loud', 'HOOKGRAPH_LOG_LEVEL is "loud", but it must be trace, debug, info, warn, error, fatal or silent'],
  ])('names the variable and its value: %s=%s', (name, value, message) => {
    expect(() => readConfig({ [name]: value })).toThrow(expect.objectContaining({ code: 'BAD_CONFIG', message }));
  });

  test('names all wrong variables at once', () => {
    const message = expect.stringMatching(
      /^HOOKGRAPH_LOG_LEVEL is "loud", .*\nPORT is "http", .*$|^PORT is "http", .*\nHOOKGRAPH_LOG_LEVEL is "loud", .*$/,
    );
    expect(() => readConfig({ PORT: 'http', HOOKGRAPH_LOG_LEVEL: 'loud' })).toThrow(expect.objectContaining({ message }));
  });

  test.each([
    ['DATABASE_URL', 'mysql://root:hunter2@db/x'],
    ['HOOKGRAPH_ENCRYPTION_KEYS', 'hunter2'],
    ['HOOKGRAPH_ADMIN_TOKEN', 'hunter2 hunter2'],
  ])('never repeats the value of a secret: %s', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name} is \\(a secret\\), but it must`));
  });
});

describe('describeConfig', () => {
  test('tells value, source and meaning of every variable', () => {
    const lines = describeConfig({ PORT: '8080' });
    expect(lines.length).toBe(Object.keys(readConfig({})).length);
    expect(lines.find(({ name }) => name === 'PORT')).toEqual({
      name: 'PORT',
      value: '8080',
      source: 'environment',
      meaning: 'port of the API; 0: any free port',
    });
    expect(lines.find(({ name }) => name === 'HOST')).toMatchObject({ value: '127.0.0.1', source: 'default' });
    expect(lines.every(({ meaning }) => meaning.length > 0)).toBe(true);
  });

  test('hides secrets, and says whether they are set', () => {
    const env = { DATABASE_URL: 'postgres://me:hunter2@db/x', HOOKGRAPH_ADMIN_TOKEN: 'hunter2' };
    const text = JSON.stringify(describeConfig(env));
    expect(text).not.toContain('hunter2');
    expect(describeConfig(env).find(({ name }) => name === 'HOOKGRAPH_ADMIN_TOKEN')?.value).toBe('(secret)');
    expect(describeConfig({}).find(({ name }) => name === 'HOOKGRAPH_ADMIN_TOKEN')?.value).toBe('(not set)');
  });

  test('describes even what readConfig refuses', () => {
    expect(describeConfig({ HOOKGRAPH_BASE_URL: 'nonsense' }).find(({ name }) => name === 'HOOKGRAPH_BASE_URL')?.value).toBe('nonsense');
  });
});
