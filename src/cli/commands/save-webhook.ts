// Adds `webhooks create` and `webhooks update`, which save a subscription from options or a file. `create` saves one
// subscription for each topic.

import { RuntimeError } from '../../runtime/runtime-error.js';
import { readSecretVariable } from '../../runtime/terminal-config.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, collect, Option, wholeNumber } from '../command.js';
import { addFieldOptions, readFieldOptions } from '../field-options.js';
import { findSubscription } from '../find.js';
import { failed, printReport } from '../report.js';
import { CREATE, called, missedNote, type Saved, save, UPDATE } from '../saving.js';
import {
  assign,
  checkInput,
  eachTopic,
  type Input,
  readFileReferences,
  readSecret,
  readText,
  resolveVariables,
} from '../subscription-input.js';
import { readDocuments } from '../written-document.js';

/** Options of `create`, `update` and `preview`. Further options, each for one field, are declared in webhooks/base/fields. */
export interface Written extends Record<string, unknown> {
  topic?: string[];
  preset?: string;
  header?: string[];
  authBasic?: string;
  authToken?: string;
  authScheme?: string;
  oauth2?: string[];
  set?: string[];
  from?: string;
}

export function addDefinition(command: Command): Command {
  addFieldOptions(command);
  return command
    .option('--preset <key>', 'preset that sets the fields that you do not set, such as the body template; e.g. UP42')
    .option(
      '--set <field=value>',
      'any field of WebhookSubscriptionInput with its value in YAML, e.g. retry.maxTries=3; null clears the field; can be repeated',
      collect,
    )
    .option('--from <file>', 'YAML or JSON file with the fields of the subscription; options take precedence');
}

export function addSaving(webhooks: Command, cli: Cli): void {
  const { connect } = cli;
  addDefinition(
    addAnswering(webhooks, 'create', 'create a subscription, or one for each --topic', [
      'webhooks create --name "CRM users" --topic user/created --topic user/updated --url https://crm.example/hooks --secret env:CRM_SECRET',
      'webhooks create --from users.yaml --query @users.graphql --test',
    ]),
  )
    .option('--test', 'send a test notification after saving')
    .action(async (options: Written & Answering & { test?: true }) => {
      const client = await connect();
      const saved = [];
      for (const input of await readWritten(client, cli, options, true))
        saved.push(await save(client, CREATE, { ...input, ...(options.test && { test: true }) }));
      printSaved(cli, saved, options, 'created');
    });
  addDefinition(
    addAnswering(webhooks, 'update <webhook>', 'change a subscription; fields without an option stay unchanged', [
      'webhooks update "CRM users" --query @users.graphql --set template=null',
      'webhooks update "CRM users" --query @users.graphql --expected-version 4',
    ]),
  )
    .option('--test', 'send a test notification after saving')
    .addOption(
      new Option(
        '--expected-version <number>',
        'save nothing if the subscription has another version, because somebody changed it',
      ).argParser(wholeNumber),
    )
    .action(async (name: string, options: Written & Answering & { test?: true; expectedVersion?: number }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const [input, ...others] = await readWritten(client, cli, options, false);
      if (!input || others.length > 0)
        throw new RuntimeError(
          'INPUT_INVALID',
          '`webhooks update` accepts a single --topic',
          'Create a further subscription for each further topic.',
        );
      const { test, expectedVersion } = options;
      const whole = { ...input, id, ...(test && { test }), ...(expectedVersion !== undefined && { expectedVersion }) };
      printSaved(cli, [await save(client, UPDATE, whole)], options, 'changed');
    });
}

function printSaved({ terminal }: Cli, saved: Saved[], { json }: Answering, done: string): void {
  if (json)
    terminal.json(
      saved.map(({ webhookSubscription, warnings, report, missedEvents }) => ({
        ...webhookSubscription,
        warnings,
        report,
        ...(missedEvents && { missedEvents }),
      })),
    );
  for (const { webhookSubscription: one, warnings, report, missedEvents } of saved) {
    for (const { fullMessage } of warnings) terminal.note(`Warning: ${fullMessage}`);
    const missed = missedNote({ webhookSubscription: one, missedEvents });
    if (missed !== null) terminal.note(missed);
    const isUnsigned = one.callbackUrl !== null && !one.hasSharedSecret && one.auth === null;
    if (done === 'created' && isUnsigned)
      terminal.note(
        `${called(one)} has no shared secret, so its notifications are not signed. To sign them: hookgraph webhooks update ${one.databaseId} --secret env:NAME`,
      );
    if (!json) terminal.say(terminal.isTty ? `${called(one)} is ${done}: ${one.topic.key}@${one.topic.version}, id ${one.id}` : one.id);
    if (report && !json) printReport(terminal, report);
  }
  if (saved.some(({ report }) => report && failed(report)))
    throw new RuntimeError('TEST_FAILED', 'The subscription was saved, but the test failed');
}

/** Reads the options and the file of --from into one API input for each topic. @throws RuntimeError `INPUT_INVALID` */
export async function readWritten(client: Client, cli: Cli, written: Written, isNew: boolean): Promise<Input[]> {
  const input: Input = {};
  if (written.from) {
    const [{ value: document } = { value: null }, ...others] = await readDocuments(written.from);
    if (typeof document !== 'object' || document === null || Array.isArray(document) || others.length > 0)
      throw new RuntimeError(
        'FILE_INVALID',
        `${written.from} must contain the fields of a single subscription`,
        '`hookgraph apply` accepts several subscriptions.',
      );
    Object.assign(
      input,
      resolveVariables(await readFileReferences(document, written.from), (name) => readSecretVariable(name, cli.env)),
    );
  }
  const stdin = once(() => cli.terminal.readAll());
  const text = (value: string) => readText(value, stdin);
  const secret = (value: string) => readSecret(value, cli.env, stdin);
  await readFieldOptions(written, input, { text, secret });
  if (written.preset !== undefined) input.preset = written.preset.toUpperCase();
  if (written.header) input.headers = await Promise.all(written.header.map((header) => readHeader(header, secret)));
  const auth = await readAuth(written, secret);
  if (auth) input.auth = auth;
  for (const assignment of written.set ?? []) assign(input, assignment);
  const inputs = eachTopic(input, written.topic);
  if (isNew && inputs.some(({ topic }) => topic === undefined))
    throw new RuntimeError('INPUT_INVALID', 'No topic was given', 'Pass --topic; `hookgraph topics list` lists all topics.');
  const schema = await client.schema();
  return inputs.map((one) => checkInput(schema, one, written.from ?? 'options'));
}

async function readHeader(header: string, secret: (value: string) => Promise<string>): Promise<Input> {
  const [, name, value = ''] = /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/s.exec(header) ?? [];
  if (!name)
    throw new RuntimeError('INPUT_INVALID', `--header ${JSON.stringify(header)} has no name`, 'Write it like "x-api-key: env:API_KEY"');
  return { name, value: await secret(value) };
}

async function readAuth(
  { authBasic, authToken, authScheme, oauth2 }: Written,
  secret: (value: string) => Promise<string>,
): Promise<Input | null> {
  const scheme = authScheme === undefined ? {} : { scheme: authScheme };
  if (authBasic !== undefined) {
    const [username, ...password] = (await secret(authBasic)).split(':');
    return { basic: { username, password: password.join(':'), ...scheme } };
  }
  if (authToken !== undefined) return { token: { token: await secret(authToken), ...scheme } };
  if (!oauth2) return null;
  const entries = await Promise.all(
    oauth2.map(async (pair) => {
      const [name = '', ...value] = pair.split('=');
      return [name, await secret(value.join('='))];
    }),
  );
  return { oauth2: Object.fromEntries(entries) };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | null = null;
  return () => {
    promise ??= read();
    return promise;
  };
}
