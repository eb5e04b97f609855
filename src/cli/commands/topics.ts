// Adds the commands that list topics.
import { addCommand, addListing, type Cli, type Command, type Listing, limitOf, noteLimit } from '../command.js';

const TOPICS = `query ($nodeType: String, $key: String, $first: Int, $after: String) { webhookTopics(nodeType: $nodeType, key: $key, first: $first, after: $after) {
  nodes { id key version nodeType operation description } pageInfo { hasNextPage endCursor } } }`;

export function addTopics(program: Command, { terminal, connect }: Cli): void {
  const topics = addCommand(program, 'topics', 'list the events you can subscribe to', []);
  addListing(topics, 'list', 'list the topics you can subscribe to', ['topics list', 'topics list --type User'])
    .option('--type <type>', 'only topics of this node type, e.g. User')
    .option('--key <key>', 'only versions of this topic, e.g. user/created')
    .action(async (options: Listing & { type?: string; key?: string }) => {
      const found = await (await connect()).list(TOPICS, { nodeType: options.type, key: options.key }, limitOf(options));
      if (options.json) return terminal.json(found);
      if (found.length === 0) terminal.note('No topics match.');
      else
        terminal.table(
          ['topic', 'version', 'type', 'meaning'],
          found.map(({ key, version, nodeType, description }) => [key, version, nodeType, description]),
        );
      noteLimit(terminal, found.length, limitOf(options));
    });
}
