// Executes the benchmark's stored query and templates for one person, on the product's own schema, as the sample admin.
import { type DocumentNode, execute, parse, validate } from 'graphql';
import { Liquid } from 'liquidjs';
import type pg from 'pg';
import { createContext } from '../../src/sample/graph/context.js';
import { encodeGlobalId } from '../../src/sample/graph/global-id.js';
import { createHooks } from '../../src/sample/index.js';
import { openPrisma } from '../../src/sample/prisma.js';

/** The URL is a placeholder: no connection is opened before the first query. */
const { schema } = createHooks({ database: 'postgres://nobody@localhost/none', keys: [Buffer.alloc(32)] });

/** Selects one relation. */
export const QUERY = `query ($nodeId: ID!) {
  node(id: $nodeId) {
    ... on User { id firstName lastName email organization { id name } }
  }
}`;

export const VALIDATION = `{% if data.node.email contains "@" and data.node.organization.name != blank %}true{% else %}false{% endif %}`;

/** A body template of 1 KB that renders about 1 KB. */
export const TEMPLATE = `{% assign person = data.node %}{% assign company = person.organization %}{
  "event": "{{ notification.topic }}",
  "version": "{{ notification.topicVersion }}",
  "notification": { "id": "{{ notification.id }}", "webhook": "{{ notification.webhookId }}", "live": {{ notification.live }} },
  "person": {
    "id": "{{ person.id }}",
    "name": "{{ person.firstName }} {{ person.lastName }}",
    "greeting": "Dear {{ person.firstName | default: "colleague" | capitalize }},",
    "initials": "{{ person.firstName | slice: 0 }}{{ person.lastName | slice: 0 }}",
    "email": "{{ person.email | downcase }}",
    "company": { "id": "{{ company.id }}", "name": "{{ company.name }}" }
  },
  "notes": [{% for part in (1..3) %}
    { "position": {{ part }}, "text": "{{ person.firstName }} {{ person.lastName }} works for {{ company.name }} since today, note {{ part }}." }{% unless forloop.last %},{% endunless %}{% endfor %}
  ],
  {% if company.name == "Nobody" %}"warning": "unknown company"{% else %}"channel": "{{ notification.nodeType | downcase }}-updates"{% endif %}
}`;

/** Parses and validates the query once; Prisma batches the reads of one tick. */
export async function openQuery(databaseUrl: string, pool: pg.Pool): Promise<(userId: string) => Promise<unknown>> {
  const prisma = openPrisma(databaseUrl);
  const document: DocumentNode = parse(QUERY);
  const [mistake] = validate(schema, document);
  if (mistake) throw mistake;
  const { rows } = await pool.query(
    `SELECT u.id, u.organization_id FROM users u JOIN organizations o ON o.id = u.organization_id WHERE o.permalink = 'acme' AND u.admin ORDER BY u.created_at LIMIT 1`,
  );
  const viewer = { userId: rows[0].id, organizationId: rows[0].organization_id, admin: true, scope: 'READ' as const, token: null };
  return async (userId) => {
    const contextValue = createContext({ prisma, viewer, webhooks: null as never });
    const variableValues = { nodeId: encodeGlobalId('User', userId) };
    const { data, errors } = await execute({ schema, document, contextValue, variableValues });
    if (errors?.[0]) throw errors[0];
    return data;
  };
}

/** Parses the templates once; values in the body are escaped as JSON. */
export function openTemplates(): (data: unknown, userId: string) => string | null {
  const plain = new Liquid();
  const json = new Liquid({ outputEscape: (value) => JSON.stringify(String(value ?? '')).slice(1, -1) });
  const validation = plain.parse(VALIDATION);
  const template = json.parse(TEMPLATE);
  return (data, userId) => {
    const notification = {
      id: userId,
      topic: 'user/created',
      topicVersion: '1.1',
      phase: 'after',
      live: true,
      nodeId: encodeGlobalId('User', userId),
      nodeType: 'User',
      webhookId: userId,
      time: new Date().toISOString(),
    };
    const scope = { data, notification };
    return plain.renderSync(validation, scope).trim() === 'true' ? json.renderSync(template, scope) : null;
  };
}

/** The keys of the people that `insertPeople` made. */
export async function listPeople(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(`SELECT id FROM users WHERE username ~ '^user[0-9]+$' ORDER BY id`);
  return rows.map((row) => row.id);
}
