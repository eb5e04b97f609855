// `hookgraph schema`: prints the content type and the JSON Schema or TypeScript type of a topic's or subscription's
// payload.
import { Option } from 'commander';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { topicOf } from '../subscription-input.js';
import { suggestTopic } from '../suggest.js';

export interface DescribedPayload {
  contentType: 'application/json' | 'application/xml';
  /** Whether `schema` describes the body that is sent, or the data from which a template or the XML format makes the body. */
  describes: 'BODY' | 'TEMPLATE_INPUT';
  note: string | null;
  schema: Record<string, unknown>;
}

export function addSchema(program: Command, { terminal, connect }: Cli): void {
  addAnswering(program, 'schema <topic|webhook>', "print the content type and JSON Schema of a topic's or a subscription's payload", [
    'schema user/created',
    'schema "CRM users" > crm-users.schema.json',
    'schema "CRM users" --format typescript > crm-users.ts',
    'schema "CRM users" --body',
  ])
    .addOption(new Option('--format <format>', 'output format').choices(['json-schema', 'typescript']).default('json-schema'))
    .option('--body', 'describe the JSON body that a template renders, by bodies that were sent, or else by one of invented data')
    .action(async (name: string, options: Answering & { format: string; body?: true }) => {
      const client = await connect();
      const described = options.body ? await describeBody(client, name) : await describePayload(client, name);
      const { contentType, note, schema } = described;
      if (options.json) return terminal.json(described);
      terminal.note(`Content-Type: ${contentType}${note ? `\n${note}` : ''}`);
      if (options.format === 'json-schema') return terminal.json(schema);
      const { compile } = await import('json-schema-to-typescript-lite');
      terminal.write(`${await compile(schema, String(schema.title))}\n`.trimStart().replace(/\n+$/, '\n'));
    });
}

const TOPIC =
  'query ($key: String, $version: String) { webhookTopic(key: $key, version: $version) { key version nodeType description payloadSchema } }';
const SCHEMA = 'query ($id: ID, $query: String) { webhookTopic(id: $id) { payloadSchema(query: $query) } }';

/** Describes the payload of the topic or subscription with this name. @throws RuntimeError `NOT_FOUND` when there is neither */
async function describePayload(client: Client, name: string): Promise<DescribedPayload> {
  const { webhookTopic: topic } = name.includes('/') ? await client.ask(TOPIC, topicOf(name)) : { webhookTopic: null };
  if (topic) return describe({ topic, template: null, contentType: 'JSON', name: null });
  const found = await findSubscription(client, name).catch(async (error: RuntimeError) => {
    if (error.code !== 'NOT_FOUND') throw error;
    throw new RuntimeError(
      'NOT_FOUND',
      `No topic and none of your subscriptions is named ${JSON.stringify(name)}.${(await suggestTopic(client, name)) || (/\. (Did you mean .*)$/.exec(error.message)?.[0].slice(1) ?? '')}`,
      '`hookgraph topics list` and `hookgraph webhooks list` list the names.',
    );
  });
  const fields = 'name query template contentType topic { id key description payloadSchema }';
  const { query, ...subscription } = await findOne(client, 'WebhookSubscription', found.id, fields);
  if (query === null) return describe(subscription as Described);
  const { webhookTopic } = await client.ask(SCHEMA, { id: subscription.topic.id, query });
  return describe({ ...(subscription as Described), topic: { ...subscription.topic, ...webhookTopic } });
}

/** Describes the JSON body of a subscription. @throws RuntimeError `NO_JSON_BODY` when it has none, or nothing is known of it */
async function describeBody(client: Client, name: string): Promise<DescribedPayload> {
  const found = await findSubscription(client, name);
  const fields = 'name topic { key description } bodySchema { source observedCount schema }';
  const { name: title, topic, bodySchema } = await findOne(client, 'WebhookSubscription', found.id, fields);
  if (!bodySchema)
    throw new RuntimeError(
      'NO_JSON_BODY',
      'The body of this subscription is XML, or its template rendered no JSON from invented data',
      '`hookgraph webhooks preview` shows what it renders for a node.',
    );
  const notes: Record<string, string | null> = {
    EXACT: null,
    OBSERVED: `Observed: inferred from ${bodySchema.observedCount} ${bodySchema.observedCount === 1 ? 'body' : 'bodies'} that were sent.`,
    SAMPLE: 'Inferred from one body, which the template rendered from invented data.',
  };
  const note = notes[bodySchema.source] ?? null;
  return {
    contentType: 'application/json',
    describes: 'BODY',
    note,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `${pascal(title ?? topic.key)}Body`,
      description: [`${topic.key}: ${topic.description}`, note].filter(Boolean).join(' '),
      ...bodySchema.schema,
    },
  };
}

interface Described {
  name: string | null;
  template: string | null;
  contentType: 'JSON' | 'XML';
  topic: { key: string; description: string; payloadSchema: { properties: object } };
}

function describe({ name, template, contentType, topic }: Described): DescribedPayload {
  const note =
    template !== null
      ? "A template renders the body: this is the schema of the template's input."
      : contentType === 'XML'
        ? 'The body is this data as XML: a key is an element, a list repeats <item>, null is an empty element with nil="true".'
        : null;
  const { properties, ...rest } = topic.payloadSchema;
  return {
    contentType: contentType === 'XML' ? 'application/xml' : 'application/json',
    describes: template === null && contentType === 'JSON' ? 'BODY' : 'TEMPLATE_INPUT',
    note,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `${pascal(name ?? topic.key)}Payload`,
      description: [`${topic.key}: ${topic.description}`, note].filter(Boolean).join(' '),
      ...rest,
      properties,
    },
  };
}

const pascal = (text: string): string =>
  text
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
