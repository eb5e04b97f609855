// Tests what every destination must do with a message: send it unchanged, explain a failure, and give up in time.
import { createServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadForSending } from '../../src/webhooks/base/store/subscriptions.js';
import { compileDefinition } from '../../src/webhooks/compile-definition.js';
import { DESTINATIONS } from '../../src/webhooks/destinations/registry.js';
import { type SubscriptionInput, updateSubscription } from '../../src/webhooks/index.js';
import { openDeliverySender } from '../../src/webhooks/send-delivery.js';
import { recordedText, untilAttempts } from '../support/attempts.js';
import { type Aws, answerError, answerJsonError, KEYS, startAws } from '../support/aws.js';
import { makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { hasMoto, type Moto, startMoto } from '../support/moto.js';
import { sendOnce } from '../support/send-once.js';

interface Harness {
  /** Returns the input for a subscription to `origin`; default: the working receiver. */
  input: (origin?: string) => Promise<SubscriptionInput>;
  /** Waits for `count` bodies and returns those that arrived since the last call. */
  arrived: (count: number) => Promise<string[]>;
  /** Makes the receiver refuse requests with this status and message. */
  refuse: (status: number, message: string) => void;
  heal: () => void;
  /** A text that is hard to send unchanged; default: with a character beyond 16 bits. */
  letters?: string;
  /** How many messages the emulator answers within the deadline; default: 25. */
  many?: number;
}

let world: EngineWorld;
let aws: Aws;
let moto: Moto | null = null;
let snsTopic: { topicArn: string; queueUrl: string };
let queue: { queueArn: string; queueUrl: string };
let bus: { eventBusArn: string; queueUrl: string };

const heal = () => {
  aws.answer = null;
};

/** How to test each kind of destination in the registry, by the name of its field. */
const HARNESSES: Record<string, Harness> = {
  callbackUrl: {
    input: async (origin = world.receiver.url) => ({
      callbackUrl: `${origin}/hook`,
      headers: [{ name: 'X-Key', value: KEYS.secretAccessKey }],
    }),
    arrived: async (count) => {
      await world.receiver.waitFor(count);
      return world.receiver.requests.splice(0).map(({ body }) => body);
    },
    refuse: (status, message) => {
      world.receiver.answer = (response) => void response.writeHead(status).end(message);
    },
    heal: () => {
      world.receiver.answer = (response) => void response.end();
    },
  },
  sns: {
    input: async (endpoint = aws.endpoint) => ({ sns: { topicArn: snsTopic.topicArn, endpoint, ...KEYS } }),
    arrived: async (count) => (await aws.receive(snsTopic.queueUrl, count)).map(({ Body = '' }) => Body),
    refuse: (status, message) => {
      aws.answer = (response) => answerError(response, status, 'Refused', message);
    },
    heal,
  },
  sqs: {
    input: async (endpoint = aws.endpoint) => ({ sqs: { queueArn: queue.queueArn, endpoint, ...KEYS } }),
    arrived: async (count) => (await aws.receive(queue.queueUrl, count)).map(({ Body = '' }) => Body),
    refuse: (status, message) => {
      aws.answer = (response) => answerJsonError(response, status, 'Refused', message);
    },
    heal,
    // fauxqs refuses characters beyond 16 bits, which SQS takes.
    letters: 'Zoë ☃ \\ <&>',
  },
  eventBridge: {
    input: async (endpoint = aws.endpoint) => ({ eventBridge: { eventBusArn: bus.eventBusArn, endpoint, ...KEYS } }),
    arrived: async (count) => ((await moto?.receive(bus.queueUrl, count)) ?? []).map(({ detail }) => JSON.stringify(detail)),
    refuse: (status, message) => {
      aws.answer = (response) => answerJsonError(response, status, 'Refused', message);
    },
    heal,
    many: 4,
  },
};

const KINDS = DESTINATIONS.map(({ field: { name }, title }) => ({ name, title, ...(HARNESSES[name] as Harness) }));

it('every kind of the registry is tried here', () => {
  expect(Object.keys(HARNESSES)).toEqual(DESTINATIONS.map(({ field }) => field.name));
});

beforeAll(async () => {
  moto = hasMoto ? await startMoto() : null;
  [aws, world] = await Promise.all([startAws({ events: moto?.port ?? null }), startEngineWorld()]);
  snsTopic = await aws.topicWithQueue('contract');
  queue = await aws.queue('contract-queue');
  if (moto) bus = await moto.eventBus('contract');
  await world.work();
});
afterAll(async () => {
  await world.close();
  await aws.close();
  await moto?.close();
});
beforeEach(() => {
  for (const { heal } of KINDS) heal();
  world.receiver.requests.length = 0;
});

const attempts = (id: string, count: number) => untilAttempts(world.db.pool, id, count);
const off = (id: string) => updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });

/** Sends once within `deadlineMs`, without recording an attempt. */
async function sendInput(input: SubscriptionInput, deadlineMs?: number) {
  const id = await world.subscribe({ ...input, disabled: true });
  const loaded = (await loadForSending(world.webhooks.engine, [id])).get(id);
  const compiled = loaded && (await compileDefinition(world.webhooks.engine, loaded));
  if (!compiled || 'broken' in compiled) throw new Error('it does not compile');
  return sendOnce(world.webhooks.engine, compiled, deadlineMs);
}

async function listening(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe.each(KINDS.filter(({ name }) => name !== 'eventBridge' || hasMoto))(
  '$title',
  ({ input, arrived, refuse, heal, letters = 'Zoë \\ 𝄞 <&>', many = 25 }) => {
    it('brings every body, whole, and records what was sent and answered, without a secret', async () => {
      const id = await world.subscribe({ ...(await input()), template: '{"name": {{ data.node.name | json }}}' });
      const names = Array.from({ length: many }, (_, i) => `${letters} "${i}"`);
      await world.insertThings(...names);
      expect((await arrived(many)).map((body) => JSON.parse(body).name).sort()).toEqual([...names].sort());
      const told = await attempts(id, many);
      expect(told.map(({ outcome }) => outcome)).toEqual(told.map(() => 'DELIVERED'));
      expect(await recordedText(world.db.pool, id)).not.toContain(KEYS.secretAccessKey);
      expect(told.map(({ requestBody }) => JSON.parse(requestBody ?? '').name).sort()).toEqual([...names].sort());
      await off(id);
    });

    it('tells a refusal with its status and what the receiver says, and it is tried again', async () => {
      refuse(503, 'too busy');
      const id = await world.subscribe({ ...(await input()), errorTemplate: '{% unless status == 200 %}{{ body | json }}{% endunless %}' });
      await world.insertThings('refused');
      const [attempt] = await attempts(id, 1);
      expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', status: 503 });
      expect(attempt?.message).toMatch(/^The receiver answered with status 503.*too busy/);
      heal();
      await makeDue(world.db.pool, id);
      expect((await attempts(id, 2)).at(-1)).toMatchObject({ outcome: 'DELIVERED', number: 2 });
      await arrived(1);
      await off(id);
    });

    it('gives up at the deadline, whoever hangs', async () => {
      const hanging = await listening(createTcpServer((socket) => void socket.on('error', () => {})));
      const { answer } = await sendInput(await input(hanging.origin), 300);
      expect(answer).toMatchObject({ kind: 'NO_REPLY', stage: 'TIMEOUT', message: 'No complete answer within 0.3 seconds.' });
      void hanging.close();
    });

    it('gives up at the deadline when the answer never ends, and reads no more than it must', async () => {
      let written = 0;
      const dripping = await listening(
        createServer((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/xml' });
          const more = () => {
            while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384;
          };
          response.on('drain', more);
          more();
        }),
      );
      const { answer } = await sendInput(await input(dripping.origin), 1000);
      expect(answer.kind === 'NO_REPLY' || answer.body.length <= 65_536).toBe(true);
      expect(written).toBeLessThan(64 * 1024 * 1024);
      void dripping.close();
    });

    it('tells that nobody listens', async () => {
      const gone = await listening(createTcpServer());
      await gone.close();
      expect((await sendInput(await input(gone.origin))).answer).toMatchObject({
        stage: 'CONNECT',
        message: expect.stringContaining('ECONNREFUSED'),
      });
    });

    it('connects nowhere but where deliveries may go', async () => {
      let connections = 0;
      const inside = await listening(
        createTcpServer((socket) => {
          connections += 1;
          socket.destroy();
        }),
      );
      // Simulates that the address was allowed at the save, and that the allowed networks have changed since.
      const strict = await startEngineWorld({ settings: { allowedNetworks: ['10.0.0.0/8'] } });
      const own = await input(inside.origin);
      const id = await world.subscribe({ ...own, disabled: true });
      const loaded = (await loadForSending(world.webhooks.engine, [id])).get(id);
      const compiled = loaded && (await compileDefinition(world.webhooks.engine, loaded));
      const sender = openDeliverySender(strict.webhooks.engine);
      const ids = { deliveryId: '1', typename: 'Thing', nodeKey: '1', eventId: null };
      const { answer } = await sender.send(compiled as never, ids, { text: '{}', contentType: 'application/json' });
      expect(answer).toMatchObject({ stage: 'ADDRESS', message: expect.stringContaining('Refused to connect') });
      await expect(strict.subscribe({ ...own })).rejects.toThrow('is not allowed as a target');
      expect(connections).toBe(0);
      await sender.close();
      await strict.close();
      await inside.close();
    });
  },
);

it('one of them: what is given takes the other’s place, and both at once are refused', async () => {
  const sns = { topicArn: snsTopic.topicArn, endpoint: aws.endpoint, ...KEYS };
  await expect(world.subscribe({ callbackUrl: world.receiver.url, sns })).rejects.toThrow('give only one of them');
  const id = await world.subscribe({ sns });
  const read = async () => (await loadForSending(world.webhooks.engine, [id])).get(id);
  expect(await read()).toMatchObject({ subscription: { definition: { callbackUrl: null, sns: { kind: 'OWN' } } }, secrets: { sns: KEYS } });
  await updateSubscription(world.webhooks.engine, OWNER, id, { callbackUrl: world.receiver.url });
  expect((await read())?.subscription.definition).not.toHaveProperty('sns');
  expect((await read())?.secrets.sns).toBeUndefined();
  await updateSubscription(world.webhooks.engine, OWNER, id, { sns });
  expect((await read())?.subscription.definition.callbackUrl).toBeNull();
  expect((await updateSubscription(world.webhooks.engine, OWNER, id, { sns: null })).problems).toMatchObject([
    { field: 'callbackUrl', type: 'BLANK' },
  ]);
});
