// Adds the commands that create and update subscriptions from options or a file, one for each topic. Every mistake is
// reported with its field and, in a template or query, its position.

import { RuntimeError } from '../../runtime/runtime-error.js';
import { readSecretVariable } from '../../runtime/terminal-config.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, collect } from '../command.js';
import { findSubscription } from '../find.js';
import { failed, tellReport } from '../report.js';
import { CREATE, called, type Saved, save, UPDATE } from '../saving.js';
import {
  assign,
  checkInput,
  eachTopic,
  type Input,
  readDocuments,
  readSecret,
  readText,
  resolveReferences,
} from '../subscription-input.js';

export interface Written {
  name?: string;
  topic?: string[];
  url?: string;
  contentType?: string;
  integration?: string;
  preset?: string;
  environment?: string[];
  secret?: string;
  signature?: string[];
  query?: string;
  validationTemplate?: string;
  template?: string;
  errorTemplate?: string;
  header?: string[];
  authBasic?: string;
  authToken?: string;
  authScheme?: string;
  oauth2?: string[];
  maxTries?: string;
  maxTimeMs?: string;
  maxPerSecond?: string;
  maxConcurrency?: string;
  recordBodies?: boolean;
  mask?: string[];
  disabled?: true;
  set?: string[];
  from?: string;
}

export function addDefinition(command: Command): Command {
  return command
    .option('--name <name>', 'for people, and for this command line')
    .option('--topic <key>', 'what to be told of, e.g. user/created or user/created@1.1; several times: one subscription each', collect)
    .option('--url <url>', 'where to send notifications')
    .option('--content-type <type>', 'JSON or XML')
    .option('--query <query>', 'GraphQL whose result is the payload; @file reads it')
    .option('--validation-template <liquid>', 'says true or false: whether to send; @file')
    .option('--template <liquid>', 'writes the body; @file')
    .option('--error-template <liquid>', "reads errors out of the receiver's answer; @file")
    .option('--secret <secret>', 'that notifications are signed with: env:NAME, @file, @- for stdin, or itself')
    .option('--signature <scheme>', 'how they are signed: SCOPE, STANDARD_WEBHOOKS …; several times', collect)
    .option('--header <header>', '"name: value", with env:NAME or @file as value; several times', collect)
    .option('--auth-basic <user:password>', 'authenticate with user and password; env:NAME, @file')
    .option('--auth-token <token>', 'authenticate with a token; env:NAME, @file')
    .option('--auth-scheme <word>', 'the word before user or token, e.g. Bearer')
    .option('--oauth2 <name=value>', 'authenticate by OAuth 2.0: tokenUrl=…, clientId=…, clientSecret=env:NAME, scope=…', collect)
    .option('--preset <key>', 'fill in what is not given, e.g. UP42')
    .option('--integration <id>', 'that it belongs to')
    .option('--environment <id>', 'whose nodes it is told of; several times; none: of all', collect)
    .option('--max-tries <count>', 'tries of a delivery in all')
    .option('--max-time-ms <ms>', 'from its first to its last try')
    .option('--max-per-second <count>', 'maximum number of notifications a second')
    .option('--max-concurrency <count>', 'maximum number of requests under way at once')
    .option('--mask <path>', 'what is recorded as [masked] in bodies, e.g. data.node.email; several times', collect)
    .option('--no-record-bodies', 'record no bodies at all')
    .option('--disabled', 'switched off')
    .option('--set <field=value>', 'any other field of WebhookSubscriptionInput, the value in YAML: retry.maxTries=3; null clears', collect)
    .option('--from <file>', 'YAML or JSON with the fields; options come on top');
}

export function addSaving(webhooks: Command, cli: Cli): void {
  const { connect } = cli;
  addDefinition(
    addAnswering(webhooks, 'create', 'subscribe', [
      'webhooks create --name "CRM users" --topic user/created --topic user/updated --url https://crm.example/hooks --secret env:CRM_SECRET',
      'webhooks create --from users.yaml --query @users.graphql --test',
    ]),
  )
    .option('--test', 'send a test right after')
    .action(async (options: Written & Answering & { test?: true }) => {
      const client = await connect();
      const saved = [];
      for (const input of await readWritten(client, cli, options, true))
        saved.push(await save(client, CREATE, { ...input, ...(options.test && { test: true }) }));
      tellSaved(cli, saved, options, 'created');
    });
  addDefinition(
    addAnswering(webhooks, 'update <webhook>', 'change; what is not named stays', [
      'webhooks update "CRM users" --query @users.graphql --set template=null',
    ]),
  )
    .option('--test', 'send a test right after')
    .action(async (name: string, options: Written & Answering & { test?: true }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const [input, ...others] = await readWritten(client, cli, options, false);
      if (!input || others.length > 0)
        throw new RuntimeError('INPUT_INVALID', 'One subscription has one topic', 'Create another one for another topic.');
      tellSaved(cli, [await save(client, UPDATE, { ...input, id, ...(options.test && { test: true }) })], options, 'changed');
    });
}

function tellSaved({ terminal }: Cli, saved: Saved[], { json }: Answering, done: string): void {
  if (json) terminal.json(saved.map(({ webhookSubscription, warnings, report }) => ({ ...webhookSubscription, warnings, report })));
  for (const { webhookSubscription: one, warnings, report } of saved) {
    for (const { fullMessage } of warnings) terminal.note(`Warning: ${fullMessage}`);
    if (!json) terminal.say(terminal.isTty ? `${called(one)} is ${done}: ${one.topic.key}@${one.topic.version}, id ${one.id}` : one.id);
    if (report && !json) tellReport(terminal, report);
  }
  if (saved.some(({ report }) => report && failed(report))) throw new RuntimeError('TEST_FAILED', 'It is saved, and the test failed');
}

/** Reads options and file into one API input for each topic. @throws RuntimeError `INPUT_INVALID` */
export async function readWritten(client: Client, cli: Cli, written: Written, isNew: boolean): Promise<Input[]> {
  const input: Input = {};
  if (written.from) {
    const [document, ...others] = await readDocuments(written.from);
    if (typeof document !== 'object' || document === null || Array.isArray(document) || others.length > 0)
      throw new RuntimeError(
        'FILE_INVALID',
        `${written.from} must hold the fields of one subscription`,
        '`hookgraph apply` takes several.',
      );
    Object.assign(input, await resolveReferences(document, written.from, (name) => readSecretVariable(name, cli.env)));
  }
  const stdin = once(() => cli.terminal.readAll());
  const text = (value: string) => readText(value, stdin);
  const secret = (value: string) => readSecret(value, cli.env, stdin);
  const fields: [string, string | undefined, (value: string) => unknown][] = [
    ['name', written.name, (value) => value],
    ['callbackUrl', written.url, (value) => value],
    ['contentType', written.contentType, (value) => value.toUpperCase()],
    ['query', written.query, text],
    ['validationTemplate', written.validationTemplate, text],
    ['template', written.template, text],
    ['errorTemplate', written.errorTemplate, text],
    ['sharedSecret', written.secret, secret],
    ['integrationId', written.integration, (value) => value],
    ['preset', written.preset, (value) => value.toUpperCase()],
  ];
  for (const [field, value, read] of fields) if (value !== undefined) input[field] = await read(value);
  if (written.environment) input.environmentIds = written.environment;
  if (written.signature) input.signatures = written.signature.map((scheme) => scheme.toUpperCase());
  if (written.header) input.headers = await Promise.all(written.header.map((header) => readHeader(header, secret)));
  const auth = await readAuth(written, secret);
  if (auth) input.auth = auth;
  if (written.maxTries !== undefined) assign(input, `retry.maxTries=${written.maxTries}`);
  if (written.maxTimeMs !== undefined) assign(input, `retry.maxTimeMs=${written.maxTimeMs}`);
  if (written.maxPerSecond !== undefined) assign(input, `rateLimit.perSecond=${written.maxPerSecond}`);
  if (written.maxConcurrency !== undefined) assign(input, `rateLimit.concurrency=${written.maxConcurrency}`);
  if (written.mask) input.recording = { ...(input.recording as object), maskedPaths: written.mask };
  if (written.recordBodies === false) input.recording = { ...(input.recording as object), bodies: false };
  if (written.disabled) input.disabled = true;
  for (const assignment of written.set ?? []) assign(input, assignment);
  const inputs = eachTopic(input, written.topic);
  if (isNew && inputs.some(({ topic }) => topic === undefined))
    throw new RuntimeError('INPUT_INVALID', 'No topic is named', 'Name one with --topic; `hookgraph topics list` shows all.');
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
