// `npm run docs`: writes docs/reference.md, docs/topics.md and the words that the console's editor completes; with --check it fails when
// one is out of date.
import { MAX_RESPONSE_LENGTH } from '../src/api/endpoint.js';
import { ARRIVAL } from '../src/api/index.js';
import { LIMIT_BYTES } from '../src/api/read-body.js';
import { describeConfig } from '../src/runtime/config.js';
import { REQUEST_WAIT_MS } from '../src/runtime/loop-share.js';
import { type Declaration, METRICS } from '../src/runtime/metrics/declarations.js';
import { createHooks } from '../src/sample/index.js';
import { BOUNDS, DEFAULT_DEADLINES } from '../src/webhooks/base/deadlines.js';
import { MAX_MASKED_PATH_LENGTH, MAX_MASKED_PATHS } from '../src/webhooks/base/fields/limits.js';
import { MAX_HEADER_VALUE_LENGTH, MAX_HEADERS, MAX_SECRET_LENGTH, RESERVED_HEADERS } from '../src/webhooks/base/fields/signing.js';
import { MAX_URL_LENGTH } from '../src/webhooks/base/network/address-policy.js';
import { VARIABLES } from '../src/webhooks/base/query/key-variables.js';
import { type ConfiguredLimits, type QueryLimits, requestLimits, storedLimits } from '../src/webhooks/base/query/query-limits.js';
import { LINES_PER_TOKEN } from '../src/webhooks/base/query/scan-query.js';
import { MAX_MASKED_LENGTH, MAX_VALUES } from '../src/webhooks/base/recording/mask-body.js';
import { describeStages } from '../src/webhooks/base/stages.js';
import { PAGE } from '../src/webhooks/base/store/page.js';
import { MAX_DATA_LENGTH, MAX_RENDERED_LENGTH, MAX_TEMPLATE_LENGTH, RENDER_LIMIT_MS } from '../src/webhooks/base/templates/rendering.mjs';
import { BYTES_IN_FLIGHT, SMALL_BODY } from '../src/webhooks/bytes-in-flight.js';
import { MAX_RESPONSE_BYTES } from '../src/webhooks/destinations/destination.js';
import { describeDestinationOptions } from '../src/webhooks/destinations/options.js';
import { PRESETS } from '../src/webhooks/operations/presets.js';
import { MAX_COUNTED } from '../src/webhooks/operations/read-queue-state.js';
import { MAX_OVERLAP_SECONDS } from '../src/webhooks/operations/rotate-secret.js';
import { MAX_HOOKS } from '../src/webhooks/operations/save/check-phase.js';
import { MAX_ANSWER_DEPTH, MAX_ANSWER_LENGTH } from '../src/webhooks/payload/run-query.js';
import { MAX_TOKEN_LENGTH } from '../src/webhooks/request/auth/read-token.js';
import { RETRIES } from '../src/webhooks/verdict/retry-delay.js';
import { ERRORS_PER_HOUR } from '../src/webhooks/verdict/write-attempts.js';
import { REASONS } from './delivery-reasons.js';
import { fieldRows } from './field-rows.js';
import { aboutLiquid, differenceRows, liquidWords, namesRead } from './liquid-reference.js';
import { code, enumTable, fieldTable, table, writePage } from './page.js';
import { retryRows } from './retry-rows.js';
import { sentHeaders } from './sent-headers.js';
import { topicsPage } from './topics-page.js';

// The URL is a placeholder: no connection is opened before the first query.
const { schema } = createHooks({ database: 'postgres://nobody@localhost/none', keys: [Buffer.alloc(32)] });

const presetOf = ({ key, description, fields: { signatures, template } }: (typeof PRESETS)[number]) =>
  `**${key}**: ${description}${signatures ? ` Signatures: ${signatures.join(', ')}.` : ''}\n\n\`\`\`liquid\n${template}\n\`\`\``;
const number = (value: number) => value.toLocaleString('en-US');

const valuesOf = (name: string) => enumTable(schema, name);
const fieldsOf = (name: string) => fieldTable(schema, name);

/** Returns the default value of the variable `HOOKGRAPH_<name>`. */
const setting = (name: string) => Number(describeConfig({}).find((line) => line.name === `HOOKGRAPH_${name}`)?.value);
const configured: ConfiguredLimits = {
  fields: setting('QUERY_MAX_FIELDS'),
  depth: setting('QUERY_MAX_DEPTH'),
  cost: setting('QUERY_MAX_COST'),
};

function queryLimits(of: QueryLimits, what: string): [string, string][] {
  const introspection = of.introspection === 0 ? 'not allowed' : `a cost of ${number(of.introspection)}, besides the cost above`;
  return [
    [
      `${what}: text`,
      `${number(of.length)} characters, ${number(of.tokens)} tokens, ${number(of.tokens * LINES_PER_TOKEN)} lines, ${of.nesting} levels of nested brackets, ${of.directives} directives, ${of.fragments} fragments`,
    ],
    [`${what}: each name, number or string`, `${number(of.literal)} characters`],
    [`${what}: each list`, `${number(of.list)} values`],
    [
      `${what}: selections, counted with fragments expanded`,
      `${number(of.fields)} fields, ${of.depth} nested levels of fields, ${of.rootFields} root fields, ${of.aliases} aliases, ${number(of.repeats)} pairs of selections of the same field in the same object`,
    ],
    [`${what}: cost (its fields, each multiplied by the sizes of the pages and lists above it)`, number(of.cost)],
    [`${what}: introspection by \`__schema\` and \`__type\``, introspection],
  ];
}

const limit = (name: keyof typeof BOUNDS) => {
  const { least, most, usual } = BOUNDS[name];
  return `${number(usual)} (${number(least)}–${number(most)})`;
};

const limits: [string, string][] = [
  ['Whole exchange with a receiver', `${limit('requestMs')} ms`],
  ['Connecting to a receiver, as part of the exchange', `${limit('connectMs')} ms; default: nine tenths of the time for the exchange`],
  ['All SQL statements of one stored query', `${limit('queryMs')} ms`],
  ['Lease of a delivery', `computed from the times above, at least ${DEFAULT_DEADLINES.leaseMs / 1000} s`],
  ['Deliveries in progress in one worker', limit('inProgress')],
  ['Deliveries of one subscription in progress in one worker', limit('perSubscription')],
  ['Simultaneous requests of one process to one origin', limit('perOrigin')],
  ['Subscriptions of one organization to one topic', limit('subscriptionsPerTopic')],
  ["Recorded part of a receiver's response", `${number(MAX_RESPONSE_BYTES)} bytes`],
  ['Failed attempts of one subscription within an hour; more disable it', number(ERRORS_PER_HOUR)],
  [
    'Result of a stored query',
    `${number(MAX_ANSWER_LENGTH)} characters as JSON, ${number(MAX_ANSWER_DEPTH)} levels of nested objects and lists`,
  ],
  ...queryLimits(storedLimits(configured), 'Stored query'),
  ['Template', `${number(MAX_TEMPLATE_LENGTH)} characters`],
  ['Data that a template reads', `${number(MAX_DATA_LENGTH)} characters of JSON`],
  ['Text that a template renders', `${number(MAX_RENDERED_LENGTH)} characters, within ${RENDER_LIMIT_MS} ms of CPU time`],
  ['Callback URL', `${number(MAX_URL_LENGTH)} characters`],
  ['Shared secret', `${number(MAX_SECRET_LENGTH)} characters`],
  [
    'Time during which an old and a new shared secret are both valid',
    `${number(MAX_OVERLAP_SECONDS)} s (${MAX_OVERLAP_SECONDS / 86_400} days)`,
  ],
  ['Custom headers', `${MAX_HEADERS}, with values of ${number(MAX_HEADER_VALUE_LENGTH)} characters each`],
  ['`recording.maskedPaths`', `${MAX_MASKED_PATHS}, with ${MAX_MASKED_PATH_LENGTH} characters each`],
  ['Body with values to mask', `${number(MAX_MASKED_LENGTH)} characters; a longer body is not recorded`],
  ["Values masked in a request that are masked in the receiver's response, too", number(MAX_VALUES)],
  ['Access token (OAuth 2.0)', `${number(MAX_TOKEN_LENGTH)} characters`],
  [
    `Bodies of more than ${number(SMALL_BODY)} characters whose requests are under way in one worker; further deliveries wait`,
    `${number(BYTES_IN_FLIGHT.perSubscription)} characters of one subscription, ${number(BYTES_IN_FLIGHT.total)} in all, half of what is left to one organization`,
  ],
  ['Before-hooks of one topic in one organization', String(MAX_HOOKS)],
  ['Page of a connection', `${PAGE.greatest} nodes; default: ${PAGE.usual}`],
  ['Request to the API', `${number(LIMIT_BYTES)} bytes, received within ${ARRIVAL.requestMs / 1000} s`],
  ['Data of a response of the API', `${number(MAX_RESPONSE_LENGTH)} characters`],
  ['Wait of a request for the turn of its organization', `${number(REQUEST_WAIT_MS)} ms; then 429`],
  ...queryLimits(requestLimits(setting('API_MAX_COST')), 'Query to the API'),
];

const OBJECTS = [
  'WebhookSubscription',
  'WebhookTopic',
  'WebhookDelivery',
  'WebhookAttempt',
  'WebhookEvent',
  'WebhookError',
  'WebhookReplay',
  'WebhookSubscriptionVersion',
];

const page = `# Reference

\`npm run docs\` writes this page from the code. Don't edit it here.

## Variables of a query

${table(
  ['variable', 'type', 'value'],
  Object.entries(VARIABLES)
    .map(([name, type]) => [
      code(`$${name}`),
      code(name === 'nodeId' ? `${type}!` : type),
      name === 'nodeId' ? 'the global id of the node that has changed' : 'the GraphQL type of the node, e.g. `User`',
    ])
    .concat([
      [code('$id'), 'as declared', "the node's key, if the key is a single column; also named `$key`, and like the column's field"],
      [code('$bookingId'), 'as declared', 'if the key has several columns: the value of one of them, named like its field'],
    ]),
)}

Declare the variables that the query uses; the server supplies no others. Declare a variable for the key in the type of the argument that it is passed to: \`Int!\`, \`UUID!\`, an enum. If you save a query with an unknown variable, the error lists the topic's variables.

## What templates read

${table(
  ['template', 'reads'],
  [
    ['`validationTemplate`, `template`', "`data`: the query's result; without a query `data.id` and `data.url`"],
    ['`validationTemplate`, `template`', `\`notification\`: ${namesRead('notification')}`],
    ['`errorTemplate`', `the receiver's response: ${namesRead('response')}`],
    ['all three templates', `\`event\`: ${namesRead('event')}`],
  ],
)}

## Presets

A preset is a body format that the receivers of a well-known system accept. ${code('preset')} sets the fields below if the subscription doesn't set them; you can edit them afterwards. ${code('webhookPresets')} returns the same list.

${PRESETS.map(presetOf).join('\n\n')}

## Liquid

${aboutLiquid()}

Templates render as in Shopify's Liquid, except for:

${table(['template', 'data', 'Shopify', 'Hookgraph', 'why'], differenceRows())}

## Headers of a notification

${table(['header', 'value'], sentHeaders())}

\`X-Scope-\` stands for the prefix that the installation has configured. A subscription's custom headers can't have a name that begins with the prefix, or one of these names: ${[...RESERVED_HEADERS].map(code).join(', ')}.

## States of a delivery

${valuesOf('WebhookDeliveryState')}

### Reasons: \`reason\`

${table(
  ['reason', 'meaning'],
  Object.entries(REASONS).map(([name, meaning]) => [code(name), meaning]),
)}

### Kinds: \`kind\`

${valuesOf('WebhookDeliveryKind')}

## Stages

The stages of an attempt, in the order in which they run. Tests and previews report each of them.

${table(
  ['stage', 'input', 'output', 'stages recorded for a failure'],
  describeStages().map(({ name, takes, gives, endings }) => [code(name), takes, gives, endings.map(code).join(', ')]),
)}

## Attempts

${valuesOf('WebhookAttemptOutcome')}

### Where an attempt failed: \`stage\`

${valuesOf('WebhookStage')}

## Fields of a subscription

The fields have the same names in the API's input, in YAML and in ${code('--set')}. The options belong to ${code('hookgraph webhooks create')}.

${table(['field', 'type', 'option', 'meaning'], fieldRows())}

## Why a notification was not sent

\`webhookWhyNot\` and \`hookgraph why-not --json\` return a code and a sentence. The codes are stable; the sentences may change.

${valuesOf('WebhookWhyNotCode')}

## Subscriptions

${valuesOf('WebhookSubscriptionStatus')}

### Why a subscription is disabled: \`disabledReason\`

${valuesOf('WebhookDisabledReason')}

## Environments

An environment is a part of an organization, such as a site or a stage. \`environmentIds\` of a subscription names the environments whose nodes send notifications; without it, all nodes do. An event belongs to the environment that its row names. An event of a node without an environment is sent whatever the subscription names. \`webhookEnvironments\` lists the environments that you may choose. Why-not says \`OTHER_ENVIRONMENT\` for an event that was left out.

## Integrations

An integration is a product that receives webhooks. \`integrationId\` of a subscription says to which integration it belongs. It changes nothing about what is sent. \`webhookIntegrations\` lists the integrations that you may choose, \`webhookSubscriptions\` of an integration lists your subscriptions in it, and \`switchWebhookIntegration(integrationId, disabled)\` disables or enables them at once: see [Switch a whole product off](when-something-is-missing.md#6-switch-a-whole-product-off).

## Retries

A failed delivery is retried up to ${RETRIES} times. The wait before retry n is (n − 1)⁴ + 15 + random(0–30) · n seconds. \`Retry-After\` in a response with status 429 or 503, or [another header](wire-formats.md#retries) of a 429, lengthens the wait, to at most one hour or twice the wait, whichever is longer. [The whole subscription waits, too](when-something-is-missing.md#4-see-whether-it-is-slowed-down), and then sends more slowly.

${table(['retry', 'shortest wait', 'longest wait', 'average time since the first attempt'], retryRows())}

If the last retry fails, the delivery is FAILED and the subscription is disabled. A subscription that sets \`retry\` isn't disabled.

## Limits

If a limit has a range in parentheses, the operator can configure a value from this range.

${table(['limit', 'maximum'], limits)}

## Objects of the API

The fields of each object that you can query. \`schema.graphql\` describes the arguments, too.

${OBJECTS.map((name) => `### ${name}\n\n${fieldsOf(name)}`).join('\n\n')}

## Metrics

[Metrics and alerts](metrics.md) explains how to use the metrics. \`PROCESS\`: the value describes the process that answers the scrape. \`INSTALLATION\`: the value is read from the database and is the same in every process; counts stop at ${number(MAX_COUNTED)}.

${table(
  ['metric', 'type', 'labels', 'scope', 'meaning'],
  Object.entries(METRICS as Record<string, Declaration>).map(([name, { type, labels, of, meaning }]) => [
    code(name),
    type,
    labels.map(code).join(', '),
    code(of),
    meaning,
  ]),
)}

## Configuration

\`hookgraph config\` prints these variables with the values that are in effect.

${table(
  ['variable', 'default', 'meaning'],
  [...describeConfig({}), ...describeDestinationOptions({})].map(({ name, value, meaning }) => [
    code(name),
    value.startsWith('(') ? value : code(value),
    meaning,
  ]),
)}
`;

await writePage('docs/reference.md', page);
await writePage('docs/topics.md', topicsPage(schema));
await writePage('src/console/editors/liquid-words.json', `${JSON.stringify(liquidWords(), null, 2)}\n`);
