// Prints the page about the sample product's nodes: their topics, what fires each, and their fields.
import { type GraphQLSchema, isObjectType } from 'graphql';
import type { When } from '../src/index.js';
import type { NodeDefinition } from '../src/sample/graph/define-node.js';
import { tablesOf } from '../src/sample/graph/tables.js';
import * as listed from '../src/sample/nodes/list.js';
import type { AnnouncedNode, Lifecycle } from '../src/webhooks/base/announced-node.js';
import { OWN_NODE } from '../src/webhooks/base/own-node.js';
import { topicsOf } from '../src/webhooks/capture/topics.js';
import { code, fieldTable, table } from './page.js';

const definitions: NodeDefinition[] = Object.values(listed);
const tables = tablesOf(definitions);

/** Returns those parts of an announced type on which its topics depend. */
function announcedOf({ model, when }: NodeDefinition): AnnouncedNode {
  const lifecycle = Object.entries(when).flatMap(([topic, columns]) => Object.entries(columns).map((pair) => lifecycleOf(topic, ...pair)));
  const columns = Object.fromEntries(model.fields.map(({ name }) => [name, name]));
  return { typename: model.name, columns, lifecycle } as unknown as AnnouncedNode;
}

function lifecycleOf(topic: string, column: string, change: When[string]): Lifecycle {
  return typeof change === 'object' ? ({ topic, column, ...change } as Lifecycle) : { topic, column, to: String(change) };
}

/** Returns a sentence about what fires a topic. */
function firedBy({
  operation,
  column_name: column,
  from_value: from,
  to_value: to,
  typename,
}: ReturnType<typeof topicsOf>[number]): string {
  if (column !== null) return `${code(column)} becomes ${code(String(to))}${from === null ? '' : `, from ${code(from)}`}`;
  const options = tables[typename] as { softDelete?: string; links?: Record<string, unknown> } | undefined;
  const deletes = options?.softDelete;
  if (operation === 'created') return deletes ? `a row is inserted, or its ${code(deletes)} becomes null` : 'a row is inserted';
  if (operation === 'deleted') return deletes ? `a row is deleted, or its ${code(deletes)} is set` : 'a row is deleted';
  const links = Object.keys(options?.links ?? {});
  return `a column changes${links.length > 0 ? `, or a link in ${links.map(code).join(' or ')} is added or removed` : ''}`;
}

function topicTable(node: AnnouncedNode): string {
  const rows = topicsOf([node]).map((topic) => [code(topic.key), topic.description, firedBy(topic)]);
  return table(['topic', 'meaning', 'fires when'], rows);
}

function sectionOf(schema: GraphQLSchema, definition: NodeDefinition): string {
  const { model, environment } = definition;
  const type = schema.getType(model.name);
  const about = isObjectType(type) && type.description ? `${type.description}\n\n` : '';
  const where = environment ? `Its environment is in the column ${code(environment)}.\n\n` : '';
  return `### ${model.name}\n\n${about}${where}${topicTable(announcedOf(definition))}\n\n${fieldTable(schema, model.name)}`;
}

export function topicsPage(schema: GraphQLSchema): string {
  const count = [...definitions.map(announcedOf), OWN_NODE].flatMap((node) => topicsOf([node])).length;
  return `# Topics and nodes

\`npm run docs\` writes this page from the code. Don't edit it here.

A node is an object of the API that announces its changes. This page lists the ${definitions.length} nodes and ${count} topics of the product that this repository runs. Another application has its own: \`hookgraph topics list\`, or the query \`webhookTopics\`, lists those that you can subscribe to.

Every topic has the version \`1.1\`. Any write fires it, also one by SQL. Several changes of a node in one transaction are one notification, unless the subscription says \`coalescing: NONE\`. A restriction by [environments](reference.md#environments) leaves events out.

## Topics of subscriptions

Subscribe to these topics to learn of failures of your own subscriptions. No event is sent about a subscription to one of them. The fields are listed under [a subscription in answers](reference.md#webhooksubscription).

${topicTable(OWN_NODE)}

## Nodes

${definitions.map((definition) => sectionOf(schema, definition)).join('\n\n')}
`;
}
