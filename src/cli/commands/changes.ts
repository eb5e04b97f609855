// Adds the command `changes`, which prints committed changes after a cursor, and can wait for further ones.
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';

const CHANGES = `query ($after: String, $types: [String!], $first: Int) { webhookChanges(after: $after, types: $types, first: $first) {
  edges { cursor node { databaseId operation occurredAt nodeType nodeId changedFields before after actor } }
  lagSeconds heldBackBy pageInfo { hasNextPage endCursor } } }`;
const PAGE = 100;
const POLL_MS = 1000;

export function addChanges(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(program, 'changes', 'print the committed changes of nodes after a cursor, and the cursor to continue from', [
    'changes --json',
    'changes --after NzQ1… --types User,Group',
    'changes --after NzQ1… --follow --json',
  ])
    .option('--after <cursor>', 'the cursor that an earlier call printed; default: the present moment, so that nothing is printed yet')
    .option('--types <types>', 'only nodes of these types, separated by commas, such as User,Group')
    .option('--follow', 'continue with what is committed later, until Ctrl-C; with --json, each change is a line')
    .action(async (options: Answering & { after?: string; types?: string; follow?: true }) => {
      const client = await connect();
      const signal = interrupted();
      const types = options.types?.split(',').map((type) => type.trim());
      const all: Answer[] = [];
      let page: Answer;
      let after = options.after ?? null;
      let held: string | null = null;
      const print = (changes: Answer[]) => {
        if (!options.follow) all.push(...changes);
        else for (const change of changes) options.json ? terminal.jsonLine(change) : terminal.say(lineOf(change));
      };
      do {
        ({ webhookChanges: page } = await client.ask(CHANGES, { after, types: types ?? null, first: PAGE }));
        print(page.edges.map(({ cursor, node }: Answer) => ({ ...node, cursor })));
        after = page.pageInfo.endCursor;
        if (options.follow && !page.pageInfo.hasNextPage) {
          if (page.heldBackBy && page.lagSeconds >= 1 && held === null) terminal.note(page.heldBackBy);
          held = page.lagSeconds >= 1 ? page.heldBackBy : null;
          await wait(POLL_MS, undefined, { signal }).catch(() => {});
        }
      } while (page.pageInfo.hasNextPage || (options.follow && !signal.aborted));
      const { lagSeconds, heldBackBy } = page;
      if (options.json && !options.follow) return terminal.json({ changes: all, cursor: after, lagSeconds, heldBackBy });
      if (!options.follow) for (const change of all) terminal.say(lineOf(change));
      if (!options.follow && heldBackBy) terminal.note(heldBackBy);
      terminal.note(`Continue with --after ${after}`);
    });
}

function lineOf({ databaseId, operation, occurredAt, nodeType, nodeId, changedFields }: Answer): string {
  return [databaseId, occurredAt, operation, nodeType, nodeId, changedFields.join(',')].join('\t');
}
