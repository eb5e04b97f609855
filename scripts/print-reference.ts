// `npm run docs`: writes docs/reference.md from the code; with --check it fails when the file is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isEnumType } from 'graphql';
import { ARRIVAL } from '../src/api/index.js';
import { LIMIT_BYTES } from '../src/api/read-body.js';
import { describeConfig } from '../src/runtime/config.js';
import { type Declaration, METRICS } from '../src/runtime/metrics/declarations.js';
import { createHooks } from '../src/sample/index.js';
import { BOUNDS, DEFAULT_DEADLINES } from '../src/webhooks/base/deadlines.js';
import { MAX_MASKED_PATH_LENGTH, MAX_MASKED_PATHS } from '../src/webhooks/base/fields/limits.js';
import { MAX_HEADER_VALUE_LENGTH, MAX_HEADERS, MAX_SECRET_LENGTH, RESERVED_HEADERS } from '../src/webhooks/base/fields/signing.js';
import { MAX_URL_LENGTH } from '../src/webhooks/base/network/address-policy.js';
import { VARIABLES } from '../src/webhooks/base/query/key-variables.js';
import { type ConfiguredLimits, type QueryLimits, requestLimits, storedLimits } from '../src/webhooks/base/query/query-limits.js';
import { MAX_MASKED_LENGTH, MAX_VALUES } from '../src/webhooks/base/recording/mask-body.js';
import { describeStages } from '../src/webhooks/base/stages.js';
import type { NextState } from '../src/webhooks/base/store/delivery-state.js';
import { PAGE } from '../src/webhooks/base/store/page.js';
import { listLiquid } from '../src/webhooks/base/templates/liquid.mjs';
import { MAX_DATA_LENGTH, MAX_RENDERED_LENGTH, MAX_TEMPLATE_LENGTH, RENDER_LIMIT_MS } from '../src/webhooks/base/templates/rendering.mjs';
import { MAX_RESPONSE_BYTES } from '../src/webhooks/destinations/destination.js';
import { describeDestinationOptions } from '../src/webhooks/destinations/options.js';
import { PRESETS } from '../src/webhooks/operations/presets.js';
import { MAX_COUNTED } from '../src/webhooks/operations/read-queue-state.js';
import { MAX_OVERLAP_SECONDS } from '../src/webhooks/operations/rotate-secret.js';
import { MAX_HOOKS } from '../src/webhooks/operations/save/check-phase.js';
import { MAX_ANSWER_LENGTH } from '../src/webhooks/payload/run-query.js';
import { MAX_TOKEN_LENGTH } from '../src/webhooks/request/auth/read-token.js';
import { RETRIES } from '../src/webhooks/verdict/retry-delay.js';
import { ERRORS_PER_HOUR } from '../src/webhooks/verdict/write-attempts.js';
import { fieldRows } from './field-rows.js';
import { retryRows } from './retry-rows.js';
import { sentHeaders } from './sent-headers.js';

// The URL is a placeholder: no connection is opened before the first query.
const { schema } = createHooks({ database: 'postgres://nobody@localhost/none', keys: [Buffer.alloc(32)] });

const presetOf = ({ key, description, fields: { signatures, template } }: (typeof PRESETS)[number]) =>
  `**${key}**: ${description}${signatures ? ` Signatures: ${signatures.join(', ')}.` : ''}\n\n\`\`\`liquid\n${template}\n\`\`\``;
const code = (text: string) => `\`${text}\``;
const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
const number = (value: number) => value.toLocaleString('en-US');

/** Formats an enum of the API as a table of its values and descriptions. */
function enumTable(name: string): string {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`The schema has no enum ${name}`);
  return table(
    [name, 'meaning'],
    type.getValues().map((value) => [code(value.name), value.description ?? '']),
  );
}

type Reason = NonNullable<NextState['reason']> | 'DELETED' | 'REFUSED' | 'ALLOWED';
const REASONS: Record<Reason, string> = {
  VALIDATION: 'SKIPPED: the validation template said false.',
  DISABLED: 'SKIPPED where the subscription was disabled when the event happened, HELD where it was disabled later.',
  BROKEN: 'HELD: the definition no longer works; goes on when it is corrected.',
  NODE: "HELD: this node's answer gives nothing that can be sent; the attempt says why.",
  DELETED: 'CANCELLED: the subscription was deleted.',
  REFUSED: 'DELIVERED or FAILED, of a before-hook: it refused the write, by its answer or by its policy.',
  ALLOWED: 'FAILED, of a before-hook: the write went on, by its policy.',
};

/** Returns the default value of the variable `HOOKGRAPH_<name>`. */
const setting = (name: string) => Number(describeConfig({}).find((line) => line.name === `HOOKGRAPH_${name}`)?.value);
const configured: ConfiguredLimits = {
  fields: setting('QUERY_MAX_FIELDS'),
  depth: setting('QUERY_MAX_DEPTH'),
  cost: setting('QUERY_MAX_COST'),
};

function queryLimits(of: QueryLimits, what: string): [string, string][] {
  const introspection = of.introspection === 0 ? 'none' : `cost ${number(of.introspection)}, counted apart`;
  return [
    [
      what,
      `${number(of.length)} characters, ${number(of.tokens)} tokens, ${of.nesting} brackets within brackets, ${of.directives} directives, ${of.fragments} fragments`,
    ],
    [`${what}: a name, number or string in it, a list in it`, `${number(of.literal)} characters, ${number(of.list)} values`],
    [
      `${what}: what it selects, fragments expanded`,
      `${number(of.fields)} fields, ${of.depth} levels, ${of.rootFields} root fields, ${of.aliases} aliases, ${number(of.repeats)} pairs of the same field in the same place`,
    ],
    [`${what}: its cost, where each field counts once per item of the pages and lists above it`, number(of.cost)],
    [`${what}: \`__schema\` and \`__type\``, introspection],
  ];
}

const limit = (name: keyof typeof BOUNDS) => {
  const { least, most, usual } = BOUNDS[name];
  return `${number(usual)} (${number(least)}–${number(most)})`;
};

const limits: [string, string][] = [
  ['the whole exchange with a receiver', `${limit('requestMs')} ms`],
  ['the connection to a receiver, of that', `${limit('connectMs')} ms; nine tenths of the above where nothing is said`],
  ['the statements of one stored query', `${limit('queryMs')} ms`],
  ['the lease of a delivery', `computed from these: the time in which an attempt ends, and at least ${DEFAULT_DEADLINES.leaseMs / 1000} s`],
  ['deliveries in progress in one worker', limit('inProgress')],
  ['of these, of one subscription', limit('perSubscription')],
  ['requests of one process to one origin at once', limit('perOrigin')],
  ["what is kept of a receiver's answer", `${number(MAX_RESPONSE_BYTES)} bytes`],
  ['failed attempts of one subscription within an hour, beyond which it is disabled', number(ERRORS_PER_HOUR)],
  ['the answer of a stored query', `${number(MAX_ANSWER_LENGTH)} characters as JSON`],
  ...queryLimits(storedLimits(configured), 'a stored query'),
  ['a template', `${number(MAX_TEMPLATE_LENGTH)} characters`],
  ['what a template reads', `${number(MAX_DATA_LENGTH)} characters of JSON`],
  ['what a template renders', `${number(MAX_RENDERED_LENGTH)} characters, within ${RENDER_LIMIT_MS} ms of CPU time`],
  ['a callback URL', `${number(MAX_URL_LENGTH)} characters`],
  ['a shared secret', `${number(MAX_SECRET_LENGTH)} characters`],
  ['the overlap of two shared secrets', `${number(MAX_OVERLAP_SECONDS)} s (${MAX_OVERLAP_SECONDS / 86_400} days)`],
  ['custom headers', `${MAX_HEADERS}, of ${number(MAX_HEADER_VALUE_LENGTH)} characters each`],
  ['`recording.maskedPaths`', `${MAX_MASKED_PATHS}, of ${MAX_MASKED_PATH_LENGTH} characters each`],
  ['a body in which `recording.maskedPaths` are looked for', `${number(MAX_MASKED_LENGTH)} characters; a longer one is not recorded`],
  ['masked values that are looked for in the answer', number(MAX_VALUES)],
  ['an access token', `${number(MAX_TOKEN_LENGTH)} characters`],
  ['Before-hooks of one topic and organization', String(MAX_HOOKS)],
  ['a page of a connection', `${PAGE.greatest} nodes; ${PAGE.usual} where nothing is said`],
  ['a request to the API', `${number(LIMIT_BYTES)} bytes, sent within ${ARRIVAL.requestMs / 1000} s`],
  ...queryLimits(requestLimits(setting('API_MAX_COST')), 'a query to the API'),
];

const { filters, tags } = listLiquid();

const page = `# Reference

Written by \`npm run docs\` from the code; don't edit it here.

## Variables of a query

${table(
  ['variable', 'type', 'holds'],
  Object.entries(VARIABLES)
    .map(([name, type]) => [
      code(`$${name}`),
      code(name === 'nodeId' ? `${type}!` : type),
      name === 'nodeId' ? 'the global id of the node that the event is about' : 'its GraphQL type, e.g. `User`',
    ])
    .concat([
      [code('$id'), 'as declared', "the node's key, where it is one column; also `$key`, and by the column's own field"],
      [code('$bookingId'), 'as declared', 'a part of a key of several columns, each by the name of its field'],
    ]),
)}

Declare those that the query uses, and no other. A part of the key is declared in the type of the argument that it is for: \`Int!\`, \`UUID!\`, an enum. Which parts a topic has is told when a query with another variable is saved.

## What templates read

${table(
  ['template', 'reads'],
  [
    ['`validationTemplate`, `template`', "`data`: the query's answer; without a query `data.id` and `data.url`"],
    [
      'the same',
      '`notification`: `id` (of the delivery, the same on every retry), `topic`, `topicVersion`, `phase` (`after`, or `before`), `live` (false in a test), `nodeId`, `nodeType`, `webhookId`, `time` (of this attempt)',
    ],
    [
      'all three',
      "`event`: `operation` (`created`, `updated`, `deleted`), `changed` (names of fields), `before` and `after` (by field name, those that the subscription's owner may read; nil where there are none), `actor` (who did it; nil where the write doesn't say)",
    ],
    ['`errorTemplate`', "`body` (parsed where it is JSON, else text), `headers` (found in any case), `status`: of the receiver's answer"],
  ],
)}

## Presets

Body shapes that receivers of published systems read. ${code('preset')} fills in what a subscription leaves absent; afterwards they are fields like any other, to be edited. ${code('webhookPresets')} answers them, too.

${PRESETS.map(presetOf).join('\n\n')}

## Liquid

Tags: ${tags.map(code).join(', ')}.

Filters, which [LiquidJS](https://liquidjs.com/filters/overview.html) describes: ${filters.map(code).join(', ')}.

\`json\` (or \`jsonify\`) writes a whole JSON value. An unknown filter or tag is refused when the subscription is saved. Times are UTC.

## Headers of a notification

${table(['header', 'value'], sentHeaders())}

\`X-Scope-\` is the prefix that the installation configured. Of a subscription's own headers, these names are refused: ${[...RESERVED_HEADERS].map(code).join(', ')}, and all with the prefix.

## States of a delivery

${enumTable('WebhookDeliveryState')}

### Why: \`reason\`

${table(
  ['reason', 'meaning'],
  Object.entries(REASONS).map(([name, meaning]) => [code(name), meaning]),
)}

### Why it exists: \`kind\`

${enumTable('WebhookDeliveryKind')}

## Stages

The stages of an attempt, in the order in which they run. Tests and previews report each of them.

${table(
  ['stage', 'takes', 'gives', 'a failure is recorded as'],
  describeStages().map(({ name, takes, gives, endings }) => [code(name), takes, gives, endings.map(code).join(', ')]),
)}

## Attempts

${enumTable('WebhookAttemptOutcome')}

### Where it ended: \`stage\`

${enumTable('WebhookStage')}

## Fields of a subscription

They have the same names in the input of the API, in YAML and after ${code('--set')}. Options are those of ${code('hookgraph webhooks create')}.

${table(['field', 'type', 'option', 'meaning'], fieldRows())}

## Why nothing came

\`webhookWhyNot\` and \`hookgraph why-not --json\` answer a code beside each sentence. Codes are stable; sentences may change.

${enumTable('WebhookWhyNotCode')}

## Subscriptions

${enumTable('WebhookSubscriptionStatus')}

### Why one is disabled: \`disabledReason\`

${enumTable('WebhookDisabledReason')}

## Retries

A failed delivery is tried again ${RETRIES} times: before retry n (from 0) it waits n⁴ + 15 + random(0–30) · (n + 1) seconds. \`Retry-After\` on 429 and 503 is heeded: from that wait up to an hour, or twice the wait where that is more. [Its subscription waits, too](when-something-is-missing.md#3-see-whether-it-is-slowed-down), and then goes on slowly.

${table(['retry', 'wait at least', 'wait at most', 'since the first attempt, on average'], retryRows())}

After the last one, the delivery has FAILED and the subscription is disabled; with a \`retry\` of its own, only the delivery has failed.

## Limits

${table(['of', 'limit'], limits)}

## Metrics

[Metrics and alerts](metrics.md) says how to read them. \`PROCESS\`: of the process that answers. \`INSTALLATION\`: read from the database, the same in every process; counting stops at ${number(MAX_COUNTED)}.

${table(
  ['metric', 'type', 'labels', 'of', 'meaning'],
  Object.entries(METRICS as Record<string, Declaration>).map(([name, { type, labels, of, meaning }]) => [
    code(name),
    type,
    labels.map(code).join(', '),
    code(of),
    meaning,
  ]),
)}

## Configuration

\`hookgraph config\` prints it with the values that count.

${table(
  ['variable', 'default', 'meaning'],
  [...describeConfig({}), ...describeDestinationOptions({})].map(({ name, value, meaning }) => [
    code(name),
    value.startsWith('(') ? value : code(value),
    meaning,
  ]),
)}
`;

const file = resolve(import.meta.dirname, '../docs/reference.md');
if (!process.argv.includes('--check')) {
  await writeFile(file, page);
  console.log('docs/reference.md is written');
} else if ((await readFile(file, 'utf8').catch(() => '')) !== page) {
  console.error('docs/reference.md is not what the code says: run `npm run docs` and review the difference.');
  process.exit(1);
} else console.log('docs/reference.md is what the code says');
