// Lists which columns a subscription sends, and to which host.
import { type GraphQLSchema, getNamedType, isLeafType, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { AnnouncedNode, Subscription, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { type EventUse, eventUseOf } from '../../base/templates/event-use.js';
import { destinationOf } from '../../destinations/registry.js';
import { exposedFields } from '../../payload/build-event.js';

export const EGRESS_SOURCES = {
  QUERY: 'The query selects the field.',
  PAYLOAD: 'The default payload has the field.',
  EVENT: 'The body template reads the field of `event.before` or `event.after`.',
} as const;

/** A field that a subscription may send. */
export interface EgressField {
  source: keyof typeof EGRESS_SOURCES;
  typename: string;
  field: string;
  /** The table with its schema, and the column; `null` when the field is computed, or its type is not announced. */
  table: string | null;
  column: string | null;
}

export interface Egress {
  /** The host of the URL, or the ARN of the destination. */
  destination: string;
  /** Sorted by type and field. A template may send fewer of the fields that the query selects. */
  fields: EgressField[];
}

export async function egressOf(engine: Engine, { id, tenant, definition }: Subscription, topic: Topic): Promise<Egress> {
  const { host } = engine;
  const node = announcedNode(host, topic.typename);
  const found = definition.query === null ? ofDefault(engine, node) : ofQuery(engine, definition.query);
  const use = await eventUse(engine, { tenant, key: id }, definition.template);
  if (node && use) found.push(...exposed(engine, node, 'EVENT').filter(({ field }) => use.fields === 'ALL' || use.fields.includes(field)));
  const byKey = new Map(found.map((one) => [`${one.typename}.${one.field} ${one.source}`, one]));
  const sorted = [...byKey].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, field]) => field);
  return { destination: destinationText(definition), fields: sorted };
}

function ofDefault(engine: Engine, node: AnnouncedNode | null): EgressField[] {
  if (!node) return [];
  if (engine.host.defaultPayload === 'ROW') return exposed(engine, node, 'PAYLOAD');
  return node.key.map((column) => ({ source: 'PAYLOAD', typename: node.typename, field: 'id', table: tableOf(node), column }));
}

/** The leaf fields that a query selects. A stored query may be older than the schema; fields that are gone are left out. */
function ofQuery({ host }: Engine, query: string): EgressField[] {
  const schema: GraphQLSchema = host.schema();
  const fields: EgressField[] = [];
  const info = new TypeInfo(schema);
  visit(
    parse(query),
    visitWithTypeInfo(info, {
      Field: ({ name: { value: field } }) => {
        const [parent, type] = [info.getParentType(), info.getType()];
        if (!parent || !type || !isLeafType(getNamedType(type)) || field.startsWith('__')) return;
        const node = announcedNode(host, parent.name);
        const column = node ? columnOf(node, field) : null;
        fields.push({ source: 'QUERY', typename: parent.name, field, table: node && column !== null ? tableOf(node) : null, column });
      },
    }),
  );
  return fields;
}

function columnOf({ columns, key }: AnnouncedNode, field: string): string | null {
  const [column] = Object.entries(columns).find(([, name]) => name === field) ?? [];
  return column ?? (field === 'id' ? key.join(', ') : null);
}

const tableOf = ({ table }: AnnouncedNode): string => `${table.schema}.${table.name}`;

const exposed = (engine: Engine, node: AnnouncedNode, source: 'EVENT' | 'PAYLOAD'): EgressField[] =>
  [...exposedFields(engine, node)].map(([field, column]) => ({ source, typename: node.typename, field, table: tableOf(node), column }));

/** Returns the fields of the event that the body template reads; all of them when the template can't be parsed now. */
async function eventUse({ renderer }: Engine, payer: { tenant: string; key: string }, template: string | null): Promise<EventUse | null> {
  if (template === null) return null;
  const [result] = await renderer.render(payer, { data: '{}' }, [{ source: template, style: 'none', isStored: true, ask: 'parse' }]);
  return result && !('fault' in result) ? eventUseOf(JSON.parse(result.text) as string[][]) : { fields: 'ALL' };
}

/** Returns the host of the URL of a definition, or the ARN of its destination. */
export function destinationText(definition: Subscription['definition']): string {
  const { kind, settings } = destinationOf(definition);
  if (typeof settings === 'string') return new URL(settings).host;
  // Leaves out the role, because its ARN is not a destination.
  const settled = Object.entries((settings ?? {}) as Record<string, unknown>).filter(([name]) => name !== 'roleArn');
  const arn = settled.map(([, value]) => value).find((value) => typeof value === 'string' && value.startsWith('arn:'));
  return typeof arn === 'string' ? arn : kind.title;
}
