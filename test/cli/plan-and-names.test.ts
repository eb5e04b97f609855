// Tests what `plan` and `apply` say of secrets and variables, and what commands say of mistyped names, choices and URLs.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to environment variables
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { tlsFile } from '../support/tls-file.js';
import { QUERY, startYamlFolders, writeYaml, YAML, type YamlFolders } from '../support/yaml-folder.js';

let folders: YamlFolders;
let t: YamlFolders['t'];
let cli: YamlFolders['cli'];
let dir: string;
beforeAll(async () => {
  folders = await startYamlFolders();
  ({ t, cli } = folders);
});
afterAll(() => folders.close());
beforeEach(async () => {
  dir = await folders.clear();
});
const writeFolder = (files?: Record<string, string>) => writeYaml(dir, files);
const versions = () => folders.versions();

it('a secret that changed is in the plan, counted and asked about, and no other secret is sent', async () => {
  await writeFolder({ 'users.yaml': YAML.replace('[user/created, user/updated]', '[user/created]') });
  await cli.run(['apply', dir, '--yes']);
  const env = { CRM_SECRET: 'another one' };
  const planned = await cli.run(['plan', dir, '--detailed-exitcode'], { env });
  expect([planned.code, planned.stdout]).toEqual([
    5,
    `~ crm/users: user/created (users.yaml)
    sharedSecret:
      -(secret)
      +\${env:CRM_SECRET} (another secret)
0 to create, 1 to change, 0 to delete, 0 unchanged.
`,
  ]);
  const unasked = await cli.run(['apply', dir], { env });
  expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('Pass --yes to confirm.')]);
  expect(await versions()).toEqual([1]);
  expect((await cli.run(['apply', dir, '--yes'], { env })).stdout).toContain('Done: 0 created, 1 changed, 0 deleted.');
  expect((await cli.run(['plan', dir], { env })).stdout).toBe('0 to create, 0 to change, 0 to delete, 1 unchanged.\n');
  const header = await cli.run(['plan', dir], { env: { ...env, CRM_KEY: 'another key' } });
  expect(header.stdout).toContain('    headers:\n      -(secret)\n      +${env:CRM_KEY} (another secret)\n');
  expect(await versions()).toEqual([2]);
});

it('a plan needs no secrets: what reads a variable that is not set is not compared', async () => {
  const without = { CRM_SECRET: '', CRM_KEY: '' };
  await writeFolder();
  const created = await cli.run(['plan', dir], { env: without });
  expect([created.code, created.stderr]).toEqual([
    0,
    'Not set here, so what reads these variables is not compared: CRM_SECRET, CRM_KEY. `apply` needs them.\n',
  ]);
  expect(created.stdout).toContain('    sharedSecret: ${env:CRM_SECRET}\n');
  const refused = await cli.run(['apply', dir, '--yes'], { env: without });
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining('ENV_MISSING: These environment variables are not set: CRM_SECRET, CRM_KEY'),
  ]);
  await cli.run(['apply', dir, '--yes']);
  expect((await cli.run(['plan', dir], { env: without })).stdout).toBe('0 to create, 0 to change, 0 to delete, 2 unchanged.\n');
  await writeFolder({ 'users.graphql': QUERY.replace('name', 'nmae') });
  expect((await cli.run(['plan', dir], { env: without })).stderr).toContain('users.graphql:2:37: query: Cannot query field');
  await writeFolder({ 'users.yaml': YAML.replace('name: users', 'name: "${env:CRM_KEY}"') });
  expect((await cli.run(['plan', dir], { env: without })).stderr).toMatch(/ENV_MISSING: .*CRM_KEY\n.*users\.yaml:1:1 reads the name/);
});

it('neither plan nor apply prints what came from a variable: not its value now, nor the one that was applied', async () => {
  const values = { CRM_SECRET: 'hush-hush', CRM_KEY: 'key-of-the-crm', CRM_PATH: 'path-of-the-crm', CRM_WORD: 'word-of-the-crm' };
  const later = { ...values, CRM_PATH: 'other-path-of-the-crm', CRM_WORD: 'other-word-of-the-crm' };
  const said: string[] = [];
  const run = async (env: Record<string, string>, ...args: string[]) => {
    const { stdout, stderr } = await cli.run([...args, dir], { env });
    said.push(stdout + stderr);
    return stdout + stderr;
  };
  const yaml = YAML.replace('/hooks', '/hooks/${env:CRM_PATH}')
    .replace('{"name"', '{"${env:CRM_WORD}"')
    .replace('name: users', 'name: "${env:CRM_WORD}"');
  await writeFolder({ 'users.yaml': yaml });
  const created = await run(values, 'plan');
  expect(created).toContain('+ crm/${env:CRM_WORD}: user/created (users.yaml)');
  expect(created).toContain('callbackUrl: https://8.8.8.8/hooks/${env:CRM_PATH}');
  await run(values, 'plan', '--json');
  await run(values, 'apply', '--yes');
  for (const change of [
    yaml,
    yaml.replace('/hooks', '/other'),
    yaml.replace('{{', '{{ 1 }}{{'),
    yaml.replace('{{', '{% ${env:CRM_WORD} %}{{'),
    yaml.replace('maxTries: 5', 'maxTries: "${env:CRM_WORD}"'),
    yaml.replace('https://8.8.8.8', 'gopher://${env:CRM_PATH}'),
    yaml.replace('x-api-key', 'x ${env:CRM_PATH}'),
  ]) {
    await writeFolder({ 'users.yaml': change });
    await run(later, 'plan');
    await run({ ...later, CRM_WORD: values.CRM_WORD }, 'plan', '--json');
    await run({ ...later, CRM_WORD: values.CRM_WORD }, 'apply');
  }
  for (const value of ['hush-hush', '-of-the-crm']) expect(said.filter((text) => text.includes(value))).toEqual([]);
  expect(said.filter((text) => text.includes('${env:CRM_WORD}')).length).toBeGreaterThan(10);
});

it('a name that is nearly right is told with what was meant, and a choice before the API is asked', async () => {
  await cli.json('webhooks', 'create', '--name', 'Suggested', '--topic', 'user/created', '--url', 'https://8.8.8.8/', '--disabled');
  const create = (...options: string[]) => [
    'webhooks',
    'create',
    '--name',
    'x',
    '--topic',
    'user/created',
    '--url',
    'https://8.8.8.8/',
    ...options,
  ];
  for (const [args, code, said] of [
    [['webhooks', 'show', 'Sugested'], 3, 'You have no subscription "Sugested". Did you mean "Suggested"?'],
    [['trigger', 'user/creatd'], 3, 'There is no topic "user/creatd". Did you mean "user/created"'],
    [['trigger', 'user/created', 'sugested'], 3, 'Did you mean "Suggested"?'],
    [['schema', 'user/creatd'], 3, 'is named "user/creatd". Did you mean "user/created"'],
    [['schema', 'Sugested'], 3, 'is named "Sugested". Did you mean "Suggested"?'],
    [['deliveries', 'list', '--topic', 'user/creatd'], 3, 'There is no topic "user/creatd". Did you mean "user/created"'],
    [
      ['webhooks', 'create', '--topic', 'user/creatd', '--url', 'https://8.8.8.8/'],
      3,
      'Topic not found: "user/creatd". Did you mean "user/created"',
    ],
  ] as const) {
    const ran = await cli.run([...args]);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(said)]);
  }
  const nowhere = { HOOKGRAPH_URL: 'http://127.0.0.1:1' };
  for (const [args, said] of [
    [['deliveries', 'list', '--state', 'FAILD'], 'Did you mean "FAILED"?'],
    [['deliveries', 'list', '--kind', 'tests'], 'Did you mean "TEST"'],
    [['deliveries', 'list', '--stage', 'x'], 'The choices are QUERY, '],
    [['errors', 'list', '--stage', 'timeot'], 'Did you mean "TIMEOUT"?'],
    [['listen', '--scheme', 'SCPE'], 'Did you mean "SCOPE"'],
    [create('--content-type', 'jsn'), 'Did you mean "JSON"?'],
    [create('--signature', 'STANDRD_WEBHOOKS'), 'Did you mean "STANDARD_WEBHOOKS"?'],
  ] as const) {
    const ran = await cli.run([...args], { env: nowhere });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(said)]);
  }
  const short = (await cli.json('webhooks', 'show', 'Suggested')).databaseId.slice(0, 8);
  expect((await cli.json('webhooks', 'show', short)).name).toBe('Suggested');
});

it('http in place of https, and the reverse, is told with the other URL', async () => {
  const { port } = new URL(t.api.url);
  const tls = await cli.run(['topics', 'list'], { env: { HOOKGRAPH_URL: `https://127.0.0.1:${port}` } });
  expect([tls.code, tls.stderr]).toEqual([
    1,
    `API_UNREACHABLE: The server at https://127.0.0.1:${port}/api/v3/graphql does not speak TLS\nDid you mean http://127.0.0.1:${port}?\n`,
  ]);
  const server = createServer({ key: tlsFile('key'), cert: tlsFile('receiver') }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: secure } = server.address() as AddressInfo;
  const plain = await cli.run(['topics', 'list'], { env: { HOOKGRAPH_URL: `http://127.0.0.1:${secure}` } });
  server.close();
  expect([plain.code, plain.stderr]).toEqual([1, expect.stringContaining(`If it speaks TLS, write https://127.0.0.1:${secure}`)]);
});
