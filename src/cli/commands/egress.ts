// Adds `egress`, which lists the columns that your subscriptions send, each with the host that gets it.
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';

const EGRESS = `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) {
  nodes { id databaseId name topic { key } egress { destination fields { source nodeType field table column } } }
  pageInfo { hasNextPage endCursor } } }`;

export function addEgress(program: Command, { terminal, connect }: Cli): void {
  addAnswering(program, 'egress', 'list which columns leave to which hosts, by your subscriptions', ['egress', 'egress --json']).action(
    async ({ json }: Answering) => {
      const client = await connect();
      const found = await client.list(EGRESS, {}, Number.POSITIVE_INFINITY);
      const rows = found.flatMap((webhook: Answer) =>
        webhook.egress.fields.map((field: Answer) => ({
          destination: webhook.egress.destination,
          ...field,
          webhook: { id: webhook.id, databaseId: webhook.databaseId, name: webhook.name, topic: webhook.topic?.key ?? null },
        })),
      );
      if (json) return terminal.json(rows);
      if (rows.length === 0) return terminal.note('You have no subscriptions.');
      terminal.table(
        ['destination', 'column', 'field', 'by', 'webhook'],
        rows.map(({ destination, table, column, nodeType, field, source, webhook }) => [
          destination,
          column === null ? null : `${table}.${column}`,
          `${nodeType}.${field}`,
          source,
          webhook.name ?? webhook.databaseId,
        ]),
      );
    },
  );
}
