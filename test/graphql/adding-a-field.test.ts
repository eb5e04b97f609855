// Shows that a declared field of a subscription needs nothing else: it is in the API, on the command line, in YAML, in
// the audit log and in the reference.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fieldRows } from '../../scripts/field-rows.js';
import { FIELDS, type Field } from '../../src/webhooks/fields.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type CommandLine, commandLine } from '../support/command-line.js';

const CONTACT: Field = {
  name: 'contact',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: { typename: 'WebhookContactInput', description: 'The person to call when deliveries fail.' },
    output: { typename: 'WebhookContact', description: 'The person to call when deliveries fail.' },
    fields: [
      { name: 'phone', type: { kind: 'TEXT', maxLength: 20 }, description: 'The phone number.', output: { required: true } },
      {
        name: 'hour',
        type: { kind: 'INTEGER', least: 0, most: 23 },
        description: 'The hour of the day at which to call.',
        default: 9,
        option: { flags: '--contact-hour <hour>', help: 'the hour of the day at which to call' },
      },
      { name: 'pin', type: { kind: 'TEXT' }, description: 'The secret number to identify with.', secret: true, output: false },
    ],
  },
  description: 'The person to call when deliveries fail.',
};

const NOTES: Field = {
  name: 'notes',
  type: { kind: 'SOURCE', extension: 'notes.md' },
  description: 'Notes for the people who run the receiver.',
  option: { flags: '--notes <text>', help: 'notes for the people who run the receiver; @file' },
  check: (notes: string) => (notes.includes('TODO') ? [{ field: 'notes', message: 'has something left to do' }] : []),
};

let t: ServedApp;
let cli: CommandLine;
beforeAll(async () => {
  FIELDS.push(CONTACT, NOTES);
  t = await servedApp();
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN });
});
afterAll(async () => {
  await cli.close();
  await t.close();
  // Removes the fields, because the next test files share the module.
  FIELDS.splice(-2);
});

const SAVED = 'errors { field message } webhookSubscription { id version notes contact { phone hour } }';
const save = async (verb: 'create' | 'update', input: object) =>
  (
    await t.ask(`mutation ($in: WebhookSubscriptionInput) { saved: ${verb}WebhookSubscription(webhookSubscription: $in) { ${SAVED} } }`, {
      in: input,
    })
  ).data.saved;
const created = (more: object) => save('create', { topic: { key: 'user/created' }, callbackUrl: 'https://8.8.8.8/hook', ...more });

it('is saved and returned by the API, with its default and without its secret', async () => {
  const { errors, webhookSubscription } = await created({ notes: 'Ask first.', contact: { phone: '123', pin: '4711' } });
  expect(errors).toEqual([]);
  expect(webhookSubscription).toMatchObject({ version: 1, notes: 'Ask first.', contact: { phone: '123', hour: 9 } });
  const { id } = webhookSubscription;
  expect((await save('update', { id, contact: { hour: 10 } })).webhookSubscription).toMatchObject({
    version: 2,
    notes: 'Ask first.',
    contact: { phone: '123', hour: 10 },
  });
  expect((await save('update', { id, contact: { hour: 10 } })).webhookSubscription.version).toBe(2);
  expect((await save('update', { id, contact: null, notes: ' ' })).webhookSubscription).toMatchObject({
    version: 3,
    notes: null,
    contact: null,
  });
  const { rows } = await t.database.pool.query('SELECT definition::text AS text FROM hookgraph.subscription_versions');
  expect(rows.map(({ text }) => text).join()).not.toContain('4711');
  expect((await t.ask('{ __type(name: "WebhookContact") { fields { name } } }')).data.__type.fields).toEqual([
    { name: 'hour' },
    { name: 'phone' },
  ]);
  const { data } = await t.ask('{ __type(name: "WebhookContactInput") { inputFields { name description } } }');
  expect(data.__type.inputFields).toContainEqual({
    name: 'hour',
    description: 'The hour of the day at which to call. From 0 to 23. Default: 9.',
  });
});

it('is checked by its type and by its own check', async () => {
  const { errors } = await created({ notes: 'TODO', contact: { phone: '1'.repeat(21), hour: 24 } });
  expect(errors).toEqual([
    { field: 'contact.phone', message: 'has 21 characters, more than 20' },
    { field: 'contact.hour', message: 'is 24; give a number from 0 to 23' },
    { field: 'notes', message: 'has something left to do' },
  ]);
});

const CHANGES = `query ($id: ID) {
  log: webhookAuditLog(webhookSubscriptionId: $id) { nodes { changes { field isSecret after } } } }`;

it('is in the audit log, its secret without a value', async () => {
  const { webhookSubscription } = await created({ notes: 'Ask first.', contact: { phone: '123', pin: '4711' } });
  const { data } = await t.ask(CHANGES, { id: webhookSubscription.id });
  const { changes } = data.log.nodes[0];
  expect(changes).toContainEqual({ field: 'notes', isSecret: false, after: 'Ask first.' });
  expect(changes).toContainEqual({ field: 'contact', isSecret: false, after: { phone: '123', hour: 9 } });
  expect(changes).toContainEqual({ field: 'contact', isSecret: true, after: null });
  expect(JSON.stringify(changes)).not.toContain('4711');

  // The update names neither phone nor secret, so both are kept.
  await save('update', { id: webhookSubscription.id, contact: { hour: 8 } });
  const later = await t.ask(CHANGES, { id: webhookSubscription.id });
  expect(later.data.log.nodes[0].changes).toEqual([{ field: 'contact', isSecret: false, after: { phone: '123', hour: 8 } }]);
});

it('has options on the command line', async () => {
  const { stdout } = await cli.run(['webhooks', 'create', '--help']);
  expect(stdout).toContain('--notes <text>');
  expect(stdout).toMatch(/--contact-hour <hour>\s+the hour of the day at which to call/);
  await writeFile(join(cli.dir, 'notes.md'), 'From a file.\n');
  const [saved] = await cli.json(
    ...['webhooks', 'create', '--name', 'by option', '--topic', 'user/created', '--url', 'https://8.8.8.8/'],
    ...['--notes', `@${join(cli.dir, 'notes.md')}`, '--contact-hour', '7', '--set', 'contact.phone="123"'],
  );
  expect(await cli.json('webhooks', 'show', saved.id)).toMatchObject({ notes: 'From a file.\n', contact: { phone: '123', hour: 7 } });
});

it('comes through YAML both ways', async () => {
  const dir = join(cli.dir, 'folder');
  await mkdir(dir);
  await writeFile(
    join(dir, 'webhook.yaml'),
    'name: in yaml\ntopic: user/created\ncallbackUrl: https://8.8.8.8/\nnotes: Ask first.\ncontact: { phone: "123", pin: { fromEnv: PIN } }\n',
  );
  const env = { PIN: '4711', IN_YAML_PIN: '4711' };
  expect((await cli.run(['apply', dir, '--yes'], { env })).stdout).toContain('Done: 1 created');
  expect((await cli.run(['plan', dir], { env })).stdout).toContain('1 unchanged');
  await t.database.pool.query("UPDATE hookgraph.subscriptions SET deleted_at = now() WHERE name IS DISTINCT FROM 'in yaml'");
  const pulled = join(cli.dir, 'pulled');
  expect((await cli.run(['pull', pulled])).stderr).toBe('');
  expect(await readFile(join(pulled, 'in-yaml.yaml'), 'utf8')).toContain(
    'contact:\n  phone: "123"\n  pin:\n    fromEnv: IN_YAML_PIN\nnotes:\n  fromFile: in-yaml.notes.md\n',
  );
  expect(await readFile(join(pulled, 'in-yaml.notes.md'), 'utf8')).toBe('Ask first.');
  expect((await cli.run(['plan', pulled], { env })).stdout).toContain('0 to change, 0 to delete, 1 unchanged');
});

it('is in the reference', () => {
  const rows = fieldRows();
  expect(rows).toContainEqual(['`notes`', 'text', '`--notes`', 'Notes for the people who run the receiver.']);
  expect(rows).toContainEqual([
    '`contact.hour`',
    'whole number',
    '`--contact-hour`',
    'The hour of the day at which to call. From 0 to 23. Default: 9.',
  ]);
  expect(rows).toContainEqual(['`contact.pin`', 'text', '', 'The secret number to identify with. It is a secret.']);
});
