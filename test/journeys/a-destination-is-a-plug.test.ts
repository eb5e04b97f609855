// Promise: a new kind of destination needs only its own folder and a line in the registry. It is then in the API, on the command line,
// in files and in the reference, and its deliveries arrive.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fieldRows } from '../../scripts/field-rows.js';
import { DESTINATIONS } from '../../src/webhooks/destinations/registry.js';
import { FIELDS } from '../../src/webhooks/fields.js';
import type { Working } from '../../src/webhooks/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { recorded } from '../support/attempts.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { fileDrop } from '../support/file-drop/file-drop.js';
import { until } from '../support/until.js';

let t: ServedApp;
let cli: CommandLine;
let working: Working;
beforeAll(async () => {
  // Does what a line in the registry does, because both lists are made when their modules load.
  DESTINATIONS.push(fileDrop);
  FIELDS.push(fileDrop.field);
  t = await servedApp();
  working = await t.app.webhooks.work();
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN, STAMP: 'a-secret-stamp' });
});
afterAll(async () => {
  await cli.close();
  await working.stop();
  await t.close();
  // Removes the kind, because the next test files share the module.
  DESTINATIONS.pop();
  FIELDS.pop();
});

const CREATE = `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
  errors { field message } webhookSubscription { id callbackUrl fileDrop { folder } } } }`;
const create = async (input: object) =>
  (await t.ask(CREATE, { in: { topic: { key: 'user/created' }, ...input } })).data.createWebhookSubscription;

it('is an input and an output of the API, is checked, and brings its deliveries', async () => {
  expect((await create({ fileDrop: { folder: 'relative' } })).errors).toEqual([
    { field: 'fileDrop.folder', message: 'must be an absolute path' },
  ]);
  expect((await create({ fileDrop: { folder: '/x' }, callbackUrl: 'https://8.8.8.8/' })).errors).toMatchObject([{ field: 'fileDrop' }]);
  expect((await create({ fileDrop: { folder: '/x' }, sharedSecret: 'hush' })).errors).toMatchObject([{ field: 'sharedSecret' }]);
  expect((await create({ fileDrop: { folder: '/x' }, phase: 'BEFORE' })).errors).toMatchObject([{ field: 'fileDrop' }]);

  const folder = join(cli.dir, 'from-the-api');
  const saved = await create({ fileDrop: { folder, stamp: 'a-secret-stamp' }, template: '{"id": {{ data.id | json }}}' });
  expect(saved).toMatchObject({ errors: [], webhookSubscription: { callbackUrl: null, fileDrop: { folder } } });
  await t.ask('mutation { createUser(user: { firstName: "Zoë" lastName: "Müller" }) { errors { field } } }');
  const [file = ''] = await until('a file is written', async () => {
    const names: string[] = await readdir(folder).catch(() => []);
    return names.length > 0 ? names : null;
  });
  const [stamp, body = ''] = (await readFile(join(folder, file), 'utf8')).split('\n');
  expect(stamp).toBe('a-secret-stamp');
  expect(JSON.parse(body)).toEqual({ id: expect.any(String) });
  const attempts = await until('the attempt is recorded', async () => {
    const found = await recorded(t.database.pool);
    return found.length > 0 ? found : null;
  });
  expect(attempts).toMatchObject([{ outcome: 'DELIVERED', request: { url: `file://${join(folder, file)}` } }]);
  expect(JSON.stringify(attempts)).not.toContain('a-secret-stamp');
});

it('has an option on the command line, and stands in the list', async () => {
  expect((await cli.run(['webhooks', 'create', '--help'])).stdout).toContain('--file-drop <name=value>');
  const create = ['webhooks', 'create', '--name', 'Drop', '--topic', 'user/created'];
  const wrong = await cli.run([...create, '--file-drop', 'colour=red']);
  expect(wrong.stderr).toContain('--file-drop does not accept the name "colour"');
  const ran = await cli.run([...create, '--file-drop', `folder=${cli.dir}/cli`, '--file-drop', 'stamp=env:STAMP']);
  expect(ran.stderr).toBe('');
  const list = await cli.run(['webhooks', 'list'], { tty: true });
  expect(list.stdout).toContain(`${cli.dir}/cli`);
  expect(list.stdout).not.toContain('a-secret-stamp');
});

it('is a key in a file, and pulled from a subscription', async () => {
  const dir = join(cli.dir, 'code');
  await mkdir(dir);
  const yaml = `name: Filed\ntopic: user/created\nfileDrop:\n  folder: ${cli.dir}/yaml\n  stamp: \${env:STAMP}\n`;
  await writeFile(join(dir, 'filed.yaml'), yaml);
  expect((await cli.run(['apply', dir, '--yes'])).code).toBe(0);
  expect((await cli.run(['plan', dir])).stdout).toContain('0 to create, 0 to change, 0 to delete, 1 unchanged.');
  const pulled = join(cli.dir, 'pulled');
  expect((await cli.run(['pull', pulled])).code).toBe(0);
  const texts = await Promise.all((await readdir(pulled)).map((name) => readFile(join(pulled, name), 'utf8')));
  expect(texts.join()).toContain(`folder: ${cli.dir}/yaml`);
});

it('stands in the reference', () => {
  const rows = fieldRows().map(([field, , option]) => [field, option]);
  expect(rows).toContainEqual(['`fileDrop`', '`--file-drop`']);
  expect(rows).toContainEqual(['`fileDrop.folder`', '']);
  expect(rows).toContainEqual(['`fileDrop.stamp`', '']);
});
