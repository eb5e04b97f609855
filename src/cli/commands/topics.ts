// Adds `topics list`, which prints the events that one can subscribe to.
import { addCommand, type Cli, type Command } from '../command.js';
import { addList } from '../list.js';

const TOPICS = `query ($nodeType: String, $key: String, $first: Int, $after: String) { webhookTopics(nodeType: $nodeType, key: $key, first: $first, after: $after) {
  nodes { id key version nodeType operation description } pageInfo { hasNextPage endCursor } } }`;

export function addTopics(program: Command, cli: Cli): void {
  const topics = addCommand(program, 'topics', 'list the events you can subscribe to', []);
  addList<{ type?: string; key?: string }>(topics, cli, {
    description: 'list the topics of events that you can subscribe to',
    examples: ['topics list', 'topics list --type User'],
    filter: (command) =>
      command
        .option('--type <type>', 'only topics of this node type, e.g. User')
        .option('--key <key>', 'only versions of this topic, e.g. user/created'),
    find: (client, { type, key }, limit) => client.list(TOPICS, { nodeType: type, key }, limit),
    none: 'No topics match.',
    usualLimit: null,
    columns: {
      topic: ({ key }) => key,
      version: ({ version }) => version,
      type: ({ nodeType }) => nodeType,
      meaning: ({ description }) => description,
    },
  });
}
