// Tests `plan`, `apply` and `pull` of a folder of YAML, repeatedly and after failures.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to environment variables
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { QUERY, SECRETS, startYamlFolders, writeYaml, YAML, type YamlFolders } from '../support/yaml-folder.js';

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

const names = async () => (await cli.json('webhooks', 'list')).map(({ name }: { name: string }) => name);

it('plan tells what apply does, which does it once; a list of topics is one subscription each', async () => {
  await writeFolder();
  const planned = await cli.run(['plan', dir, '--detailed-exitcode']);
  expect(planned.code).toBe(5);
  expect(planned.stdout).toMatch(/^\+ crm\/users: user\/created \(users\.yaml\)\n(.*\n)*\+ crm\/users: user\/updated/);
  expect(planned.stdout).toContain('2 to create, 0 to change, 0 to delete, 0 unchanged.');
  for (const secret of Object.values(SECRETS)) expect(planned.stdout + JSON.stringify(await cli.json('plan', dir))).not.toContain(secret);
  expect(await names()).toEqual([]);
  const unasked = await cli.run(['apply', dir]);
  expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('Pass --yes to confirm.')]);
  expect(await names()).toEqual([]);

  expect((await cli.run(['apply', dir, '--yes'])).stdout).toContain('Done: 2 created, 0 changed, 0 deleted.');
  expect(await names()).toEqual(['crm/users: user/created', 'crm/users: user/updated']);
  expect(await cli.json('webhooks', 'show', 'crm/users: user/created')).toMatchObject({
    query: QUERY,
    hasSharedSecret: true,
    headers: [{ name: 'x-api-key' }],
    retry: { maxTries: 5 },
    rateLimit: { perSecond: 10, concurrency: 2 },
    pace: { state: 'LIMITED', perSecond: 10, resumesAt: null },
  });
  const again = await cli.run(['apply', dir, '--yes']);
  expect([again.code, again.stdout]).toEqual([0, '0 to create, 0 to change, 0 to delete, 2 unchanged.\nNo changes were needed.\n']);
  expect((await cli.run(['plan', dir, '--detailed-exitcode'])).code).toBe(0);
  expect(await versions()).toEqual([1, 1]);
});

it('a path of a template that can not exist is a warning with its file and place, said once by plan and by apply', async () => {
  await writeFolder({ 'users.yaml': YAML.replace('data.node.name', 'data.node.nmae') });
  const warning =
    /^Warning: \S+users\.yaml:6:\d+: template: reads data\.node\.nmae, but the query does not select "nmae" .* Did you mean "name"\?\n1 \| .*\n +\^\n$/;
  const planned = await cli.run(['plan', dir]);
  expect([planned.code, planned.stderr]).toEqual([0, expect.stringMatching(warning)]);
  const applied = await cli.run(['apply', dir, '--yes']);
  expect([applied.code, applied.stderr]).toEqual([0, expect.stringMatching(warning)]);
});

it('a change is shown as a diff and made; what the file leaves out is cleared', async () => {
  await writeFolder();
  await cli.run(['apply', dir, '--yes']);
  await writeFolder({ 'users.graphql': QUERY.replace('name', 'name email'), 'users.yaml': YAML.replace('retry: { maxTries: 5 }\n', '') });
  const planned = await cli.run(['plan', dir]);
  expect(planned.stdout).toContain(`    query:
       query ($nodeId: ID!) {
      -  node(id: $nodeId) { ... on User { name } }
      +  node(id: $nodeId) { ... on User { name email } }
       }
    retry:
      -{"maxTries":5}
      +(none)
`);
  expect((await cli.run(['apply', dir, '--yes'])).stdout).toContain('Done: 0 created, 2 changed, 0 deleted.');
  expect(await cli.json('webhooks', 'show', 'crm/users: user/updated')).toMatchObject({
    retry: null,
    query: expect.stringContaining('email'),
  });
  // Disabling by a rule or a person makes no difference for plan, because the file doesn't mention `disabled`.
  await cli.json('webhooks', 'disable', 'crm/users: user/created');
  expect((await cli.run(['plan', dir])).stdout).toContain('2 unchanged');
});

it('mistakes are told with their file, place and caret before anything is changed', async () => {
  await writeFolder({
    'users.graphql': QUERY.replace('name', 'nmae'),
    'more.yaml': 'name: more\ntopic: user/created\ncallbackUrl: https://8.8.8.8/\n',
  });
  const refused = await cli.run(['apply', dir, '--yes']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /^REFUSED: \S+users\.graphql:2:37: query: Cannot query field "nmae".*\?\n2 \| .*\n +\^\nNo subscription was changed\.\n$/,
  );
  for (const [files, told] of [
    [
      { 'users.yaml': YAML.replace('maxTries: 5', 'maxTries: 750727362669608961') },
      /users\.yaml:10:10: retry\.maxTries: .*750727362669608961/,
    ],
    [{ 'users.yaml': YAML.replace('callbackUrl', 'callbackURL') }, /users\.yaml:3:1: Field "callbackURL" .*Did you mean "callbackUrl"/],
    [
      { 'users.yaml': YAML, 'twice.yaml': `webhooks:\n- ${YAML.trim().replace(/\n/g, '\n  ')}\n` },
      /users\.yaml:1:1: the subscription "crm\/users: user\/created" is already in \S+twice\.yaml:2:3\n/,
    ],
    [{ 'twice.yaml': 'name: [\n' }, /FILE_INVALID: .*twice\.yaml:2:1: .* at line 2/s],
    [{ 'twice.yaml': 'webhooks:\n- { name: y, topic: user/created }\n- name: x\n' }, /twice\.yaml:3:3: x must have a topic/],
    [
      { 'twice.yaml': 'name: x\ntopic: user/created\ncallbackUrl: https://8.8.8.8/\ntemplate: |\n  one\n  {{ two | upcas }}\n' },
      /twice\.yaml:6:\d+: template: .*upcas/,
    ],
    [
      { 'twice.yaml': 'name: x\ntopic: user/created\ncallbackUrl: https://8.8.8.8/\nquery: "{ nodee }"\n' },
      /twice\.yaml:4:11: query: Cannot query field "nodee"/,
    ],
    [{ 'twice.yaml': 'name: x\ntopic: user/creatd\ncallbackUrl: https://8.8.8.8/\n' }, /twice\.yaml:2:1: topic: not found: "user\/creatd"/],
  ] as const) {
    await writeFolder({ 'users.graphql': QUERY, ...files });
    const ran = await cli.run(['plan', dir]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(told)]);
  }
  expect((await cli.run(['plan', `${dir}/nowhere`])).stderr).toContain('does not exist');
  expect(await names()).toEqual([]);
});

it('--prune deletes what is in the scope and not in the folder, and nothing else', async () => {
  for (const name of ['crm/old', 'other', 'crmx/old'])
    await cli.json('webhooks', 'create', '--name', name, '--topic', 'user/created', '--url', 'https://8.8.8.8/');
  await writeFolder();
  expect((await cli.run(['plan', dir])).stdout).toContain(
    '- crm/old (not in the folder; --prune deletes it)\n2 to create, 0 to change, 0 to delete',
  );
  await cli.run(['apply', dir, '--yes']);
  expect(await names()).toContain('crm/old');
  expect((await cli.run(['apply', dir, '--yes', '--prune'])).stdout).toContain('1 deleted');
  expect((await names()).sort()).toEqual(['crm/users: user/created', 'crm/users: user/updated', 'crmx/old', 'other']);
  await writeFolder({ 'hookgraph.yaml': '' });
  expect((await cli.run(['apply', dir, '--yes', '--prune'])).stderr).toContain('SCOPE_MISSING');
});

it('pull writes what is there, secrets as references, so that plan finds no difference', async () => {
  await writeFolder();
  await cli.run(['apply', dir, '--yes']);
  await cli.json(
    ...[
      'webhooks',
      'create',
      '--name',
      'crm/more/Orders & so on',
      '--topic',
      'scenario_session/completed',
      '--url',
      'https://8.8.8.8/',
      '--disabled',
    ],
    ...['--auth-basic', 'me:hunter2', '--content-type', 'xml', '--mask', 'data.node.name', '--signature', 'servo', '--secret', 'shh'],
  );
  await cli.json('webhooks', 'create', '--name', 'other', '--topic', 'user/created', '--url', 'https://8.8.8.8/');
  const pulled = join(dir, 'pulled');
  expect((await cli.run(['pull', pulled, '--scope', 'crm'])).code).toBe(0);
  const files = (await readdir(pulled, { recursive: true })).filter((file) => /\.\w+$/.test(file)).sort();
  expect(files).toEqual(['hookgraph.yaml', 'more/orders-so-on.yaml', 'users.graphql', 'users.liquid', 'users.yaml']);
  const all = (await Promise.all(files.map((file) => readFile(join(pulled, file), 'utf8')))).join('\n');
  for (const secret of [...Object.values(SECRETS), 'hunter2', 'shh']) expect(all).not.toContain(secret);
  expect(await readFile(join(pulled, 'users.yaml'), 'utf8')).toBe(`name: users
topics:
  - user/created@1.1
  - user/updated@1.1
callbackUrl: https://8.8.8.8/hooks
query:
  fromFile: users.graphql
template:
  fromFile: users.liquid
sharedSecret:
  fromEnv: USERS_SECRET
headers:
  - name: x-api-key
    value:
      fromEnv: USERS_X_API_KEY
retry:
  maxTries: 5
rateLimit:
  concurrency: 2
  perSecond: 10
`);
  const env = {
    USERS_SECRET: SECRETS.CRM_SECRET,
    USERS_X_API_KEY: `Key ${SECRETS.CRM_KEY}`,
    MORE_ORDERS_SO_ON_SECRET: 'shh',
    MORE_ORDERS_SO_ON_USERNAME: 'me',
    MORE_ORDERS_SO_ON_PASSWORD: 'hunter2',
  };
  const planned = await cli.run(['plan', pulled], { env });
  expect([planned.stderr, planned.stdout]).toEqual(['', '0 to create, 0 to change, 0 to delete, 3 unchanged.\n']);

  await writeFile(join(pulled, 'users.graphql'), 'mine');
  expect((await cli.run(['pull', pulled])).stderr).toContain('FILE_IN_THE_WAY: users.graphql');
  expect((await cli.run(['pull', pulled, '--force'])).stdout).toBe(`${join(pulled, 'users.graphql')}\n`);
  expect((await cli.run(['pull', pulled])).stderr).toContain('The folder is up to date.');
});

it('before-hooks, SNS topics and OAuth clients come through both ways, and what is left out of them is a change', async () => {
  const secrets = { HOOKS_ID: 'AKIAIOSFODNN7EXAMPLE', HOOKS_KEY: 'k'.repeat(40) };
  const role = ', roleArn: "arn:aws:iam::123456789012:role/x"';
  const yaml = `webhooks:
  - { name: gate, topic: user/created, callbackUrl: https://8.8.8.8/gate, phase: BEFORE }
  - name: queue
    topic: user/created
    sns: { topicArn: "arn:aws:sns:eu-west-1:123456789012:orders.fifo", accessKeyId: { fromEnv: HOOKS_ID }, secretAccessKey: { fromEnv: HOOKS_KEY }${role} }
  - name: oauth
    topic: user/deleted
    callbackUrl: https://8.8.8.8/o
    auth: { oauth2: { tokenUrl: "https://8.8.4.4/token", clientId: me, clientSecret: { fromEnv: HOOKS_KEY } } }
    recording: { maskedPaths: [data.x] }
`;
  await writeFile(join(dir, 'hooks.yaml'), yaml);
  expect((await cli.run(['apply', dir, '--yes'], { env: secrets })).stdout).toContain('Done: 3 created');
  const asTheyAre = '0 to create, 0 to change, 0 to delete, 3 unchanged.\n';
  expect((await cli.run(['apply', dir, '--yes'], { env: secrets })).stdout).toBe(`${asTheyAre}No changes were needed.\n`);
  await cli.run(['pull', join(dir, 'pulled')]);
  const env = { QUEUE_ACCESS_KEY_ID: secrets.HOOKS_ID, QUEUE_SECRET_ACCESS_KEY: secrets.HOOKS_KEY, OAUTH_CLIENT_SECRET: secrets.HOOKS_KEY };
  expect((await cli.run(['plan', join(dir, 'pulled')], { env })).stdout).toBe(asTheyAre);
  await rm(join(dir, 'pulled'), { recursive: true });
  await writeFile(join(dir, 'hooks.yaml'), yaml.replace(role, ''));
  const changed = await cli.run(['plan', dir], { env: secrets });
  expect(changed.stdout).toMatch(/^~ queue \(hooks\.yaml\)\n {4}sns:\n(.*\n)* {6}- {2}"roleArn": ".*role\/x",?\n/);
});

it('the example of the docs is one; and pull leaves out what has no name of its own', async () => {
  const page = await readFile(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n# webhooks\/(\S+)\n([^`]*(?:`[^`]+`[^`]*)*?)```/g)];
  for (const [, file, content] of blocks) await writeFile(join(dir, file as string), content as string);
  await writeFile(join(dir, 'users.graphql'), QUERY);
  await writeFile(join(dir, 'users.liquid'), '{}');
  const planned = await cli.run(['plan', dir]);
  expect([blocks.length, planned.stderr, planned.stdout]).toEqual([2, '', expect.stringContaining('2 to create')]);
  expect(planned.stdout).toContain('+ crm/users: user/created');

  for (const name of [[], ['--name', 'twin'], ['--name', 'twin'], ['--name', 'Hookgraph']])
    await cli.json('webhooks', 'create', ...name, '--topic', 'user/created', '--url', 'https://8.8.8.8/');
  const pulled = await cli.run(['pull', join(dir, 'pulled')]);
  expect(pulled.stdout).toBe(`${join(dir, 'pulled', 'hookgraph-2.yaml')}\n`);
  expect(pulled.stderr).toMatch(/^Not written, because these subscriptions have no unique name: .*, “twin”, “twin”\n$/);
});

it('an apply that fails half-way is run again, and makes nothing twice', async () => {
  await writeFolder();
  let creations = 0;
  // A proxy between the command line and the API that fails at the second creation.
  const between = createServer(async (request, response) => {
    const body = await text(request);
    if (body.includes('{ createWebhookSubscription(') && ++creations === 2) return void response.writeHead(502).end('Bad Gateway');
    const answer = await fetch(`${t.api.url}${request.url}`, {
      method: 'POST',
      headers: { authorization: String(request.headers.authorization), 'content-type': 'application/json' },
      body,
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const env = { HOOKGRAPH_URL: `http://127.0.0.1:${(between.address() as AddressInfo).port}` };
  const failed = await cli.run(['apply', dir, '--yes'], { env });
  expect([failed.code, failed.stderr]).toEqual([
    1,
    expect.stringMatching(
      /API_UNUSABLE: users\.yaml, crm\/users: user\/updated: .*\n1 earlier change was applied\. Correct the mistake and run the command again\./,
    ),
  ]);
  expect(await names()).toEqual(['crm/users: user/created']);
  expect((await cli.run(['apply', dir, '--yes'], { env })).stdout).toContain('Done: 1 created, 0 changed');
  expect(await names()).toEqual(['crm/users: user/created', 'crm/users: user/updated']);
  between.closeAllConnections();
  between.close();
});
