// Adds the command `forget`, which blanks what is stored about a node.
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';

const FIELDS = 'databaseId nodeId state eventCount attemptCount cancelledCount createdAt finishedAt';
const FORGET = `mutation ($id: ID) { forgetWebhookNode(nodeId: $id) { errors { field fullMessage type } webhookForgetting { ${FIELDS} } } }`;
const LIST = `query ($first: Int, $after: String) { webhookForgettings(first: $first, after: $after) {
  nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } } }`;
const POLL_MS = 500;

export function addForget(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(program, 'forget <node>', 'blank what is stored about a node: values of events, requests, responses and messages', [
    'forget VXNlcjox',
    'forget VXNlcjox --follow',
  ])
    .option('--follow', 'wait until everything is blanked; after Ctrl-C the workers go on')
    .action(async (nodeId: string, options: Answering & { follow?: true }) => {
      const client = await connect();
      let request: Answer = (await client.mutate(FORGET, { id: nodeId })).webhookForgetting;
      const signal = interrupted();
      while (options.follow && request.state === 'RUNNING' && !signal.aborted) {
        terminal.progress(`${request.eventCount} events, ${request.attemptCount} attempts`);
        await wait(POLL_MS, undefined, { signal }).catch(() => {});
        const all = await client.list(LIST, {}, 100);
        request = all.find(({ databaseId }) => databaseId === request.databaseId) ?? request;
      }
      if (options.json) return terminal.json(request);
      const { state, eventCount, attemptCount, cancelledCount } = request;
      const counts = `${eventCount} events and ${attemptCount} attempts are blanked, and ${cancelledCount} deliveries cancelled`;
      terminal.say(state === 'DONE' ? `The node is forgotten: ${counts}.` : `The node is being forgotten: ${counts} so far.`);
    });
}
