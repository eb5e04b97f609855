// Subscribes before-hooks, each with a real receiver, and reads their recorded deliveries as their owner does.
import type { ServerResponse } from 'node:http';
import type { Answer, TestApp } from './app.js';
import { type Received, type Receiver, startReceiver } from './receiver.js';
import { until } from './until.js';

/** Answers with a receiver's refusal in the format of Servo's receivers. */
export const cancel = (reason: string) => (response: ServerResponse) =>
  void response
    .writeHead(200, { 'Content-Type': 'application/vnd.opsani.servo.errors.CancelEventError+json' })
    .end(JSON.stringify({ reason }));

interface Asked {
  topic: string;
  answer?: (response: ServerResponse, request: Received) => unknown;
  [field: string]: unknown;
}

export interface Hook {
  id: string;
  databaseId: string;
  requests: Received[];
  waitFor: Receiver['waitFor'];
  bodies(): unknown[];
  update(changes: object): Promise<void>;
  /** Closes the receiver, which also cuts every request that has no answer yet. */
  hangUp(): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  deliveries(): Promise<any[]>;
}

export interface Hooks {
  /** Creates a subscription with the phase BEFORE, unless the input has another phase. Throws when the save is refused. */
  subscribe(input: Asked): Promise<Hook>;
  /** Resolves when every event has been relayed and every delivery tried. */
  untilQuiet(): Promise<void>;
  /** Deletes the hooks. */
  close(): Promise<void>;
}

export async function startHooks(t: TestApp): Promise<Hooks> {
  const started: { id: string; receiver: Receiver }[] = [];
  const save = async (operation: string, webhookSubscription: object) => {
    const { data, errors } = await t.ask(
      `mutation ($s: WebhookSubscriptionInput) { saved: ${operation}WebhookSubscription(webhookSubscription: $s) { errors { field message } webhookSubscription { id databaseId } } }`,
      { s: webhookSubscription },
    );
    if (errors || data?.saved.errors.length > 0) throw new Error(JSON.stringify(errors ?? data?.saved.errors));
    return data?.saved.webhookSubscription as { id: string; databaseId: string };
  };
  return {
    async subscribe({ topic, answer, ...rest }) {
      const receiver = await startReceiver(answer && ((response, request) => void answer(response, request)));
      const { id, databaseId } = await save('create', { topic: { key: topic }, callbackUrl: receiver.url, phase: 'BEFORE', ...rest });
      started.push({ id, receiver });
      return {
        id,
        databaseId,
        requests: receiver.requests,
        waitFor: receiver.waitFor,
        bodies: () => receiver.requests.map(({ body }) => JSON.parse(body)),
        update: async (changes) => void (await save('update', { id, ...changes })),
        hangUp: receiver.close,
        deliveries: async () => ((await t.ask(DELIVERIES, { id })) as Answer).data?.webhookDeliveries.nodes,
      };
    },
    async untilQuiet() {
      const open = `SELECT 1 FROM hookgraph.captures UNION ALL SELECT 1 FROM hookgraph.deliveries WHERE state = 'PENDING' LIMIT 1`;
      await until('nothing is under way', async () => (await t.database.pool.query(open)).rowCount === 0);
    },
    async close() {
      for (const { id, receiver } of started.splice(0)) {
        await save('delete', { id });
        await receiver.close();
      }
    },
  };
}

const DELIVERIES = `query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id, first: 100) { nodes { id databaseId kind state reason nodeId event { id }
  attempts { id number outcome stage message durationMs request { headers body } response { status headers body } } } } }`;
